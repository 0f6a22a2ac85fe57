import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';

/** Signatures and offsets: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16. */
const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

export interface ZipEntry {
  /** As stored; names that are not UTF-8 are left as bytes. */
  readonly name: Buffer;
  readonly bytes: Buffer;
}

/**
 * The files of a small ZIP archive (stored or deflated; no encryption, no ZIP64), as providers hand
 * out their bills.
 *
 * @param maxBytes of all files together: a bill is text, and an archive that unpacks to more is
 *   refused
 * @throws Error when it is no such archive
 */
export function unzip(archive: Buffer, maxBytes: number): ZipEntry[] {
  let end = archive.length - 22;
  while (end >= 0 && archive.readUInt32LE(end) !== END) end--;
  if (end < 0) throw new Error('no end of a ZIP archive');
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  let left = maxBytes;
  const entries: ZipEntry[] = [];
  for (let n = 0; n < count; n++) {
    if (archive.readUInt32LE(at) !== CENTRAL) throw new Error('a broken directory');
    const flags = archive.readUInt16LE(at + 8);
    const method = archive.readUInt16LE(at + 10);
    const packed = archive.readUInt32LE(at + 20);
    const size = archive.readUInt32LE(at + 24);
    const nameLength = archive.readUInt16LE(at + 28);
    const local = archive.readUInt32LE(at + 42);
    const name = archive.subarray(at + 46, at + 46 + nameLength);
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
    if ((flags & 1) !== 0) throw new Error('encrypted');
    if (archive.readUInt32LE(local) !== LOCAL) throw new Error('a broken entry');
    left -= size;
    if (left < 0) throw new Error(`more than ${maxBytes} bytes`);
    const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const data = archive.subarray(from, from + packed);
    const bytes =
      method === 0
        ? Buffer.from(data)
        : method === 8
          ? inflateRawSync(data, { maxOutputLength: size + 1 })
          : null;
    if (bytes === null || bytes.length !== size) throw new Error('an entry that does not unpack');
    entries.push({ name: Buffer.from(name), bytes });
  }
  return entries;
}

/** The date that every entry bears: 1 January 1980, the earliest that the format has. */
const DOS_DATE = 0x21;
/** Names are UTF-8 (APPNOTE 4.4.4, bit 11). */
const UTF8 = 0x0800;

/**
 * Files as a small ZIP archive, deflated; the same files give the same bytes. No ZIP64: less than 4
 * GB and 65,535 files, as everything that a kiosk exports.
 */
export function zip(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, bytes } of files) {
    const encoded = Buffer.from(name, 'utf8');
    const packed = deflateRawSync(bytes);
    // From the version needed to the lengths: the same in both headers (4.3.7, 4.3.12).
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(UTF8, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt16LE(DOS_DATE, 8);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(encoded.length, 22);
    const local = Buffer.concat([word(LOCAL), common, encoded, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([word(CENTRAL), Buffer.from([20, 0]), common, tail, encoded]));
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, central, word(END), end]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
