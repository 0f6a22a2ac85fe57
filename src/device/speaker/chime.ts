/** Two tones, one above the other, as a doorbell has them: heard across a hall, and not a voice. */
const TONES_HZ = [880, 660] as const;
const RATE = 22_050;
const TONE_MS = 350;
/** Of full scale. */
const LOUD = 0.4;
const HEAD_BYTES = 44;

/** The chime as a WAV file: one channel, 16 bits. */
export function chime(): Uint8Array {
  const perTone = Math.round((RATE * TONE_MS) / 1000);
  const bytes = Buffer.alloc(HEAD_BYTES + TONES_HZ.length * perTone * 2);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(bytes.length - HEAD_BYTES, 40);
  for (const [n, hz] of TONES_HZ.entries())
    for (let i = 0; i < perTone; i++) {
      // It dies away, so that neither end of it clicks.
      const share = LOUD * (1 - i / perTone) * Math.min(1, i / 200);
      const sample = Math.round(32_767 * share * Math.sin((2 * Math.PI * hz * i) / RATE));
      bytes.writeInt16LE(sample, HEAD_BYTES + (n * perTone + i) * 2);
    }
  return new Uint8Array(bytes);
}
