export type {
  Acceptance,
  CardChannel,
  CardGate,
  CardLayout,
  CardReader,
  CardReading,
  Classification,
  Judged,
  Keep,
  MeterArea,
  Purchase,
  ReaderStatus,
  WritePlan,
} from './types.ts';
export { technicianOf, TechnicianCard } from './types.ts';
export type { PinVerdict } from './types.ts';
export { mustNotTry, watchTries } from './families/tries.ts';
export type { SpentTry } from './families/tries.ts';
export type { KeyProvider } from './keys/types.ts';
export { sampleKeyProvider } from './keys/sample.ts';
export { masterKeysOf, masterKeysSchema, sealKeys, sealedKeyProvider } from './keys/sealed.ts';
export { centralKeyProvider } from './keys/central.ts';
export type { AskCentral, Patience } from './keys/central.ts';
export { psamKeyProvider, REFERENCE_PSAM } from './keys/psam.ts';
export type { ApduPort, PsamKey, PsamSettings } from './keys/psam.ts';
export { readerPort, samPort } from './keys/reader-port.ts';
export type { SamReader } from './keys/reader-port.ts';
export type { MachineBinding } from './keys/sealed.ts';
export { PL_102, pl102Layout } from './layouts/pl-102.ts';
export { PL_1608, pl1608Layout } from './layouts/pl-1608.ts';
export { PL_24, pl24Layout } from './layouts/pl-24.ts';
export { PL_CPU, plCpuLayout } from './layouts/pl-cpu.ts';
export { REFERENCE_PURSE } from './families/purse.ts';
export { PL_FUEL, plFuelLayout } from './layouts/pl-fuel.ts';
export { PL_PURSE, plPurseLayout } from './layouts/pl-purse.ts';
export type { PurseOptions } from './layouts/pl-purse.ts';
export { PL_M1, plM1Layout } from './layouts/pl-m1.ts';
export { PL_4428, PL_4442, pl4428Layout, pl4442Layout } from './layouts/pl-sle.ts';
export { processLayout } from './layouts/process/layout.ts';
export type { ProcessLayoutOptions } from './layouts/process/layout.ts';
export type { PinNotes } from './families/pin-notes.ts';
export { layoutRegistry } from './layouts/registry.ts';
export type { LayoutRegistry, ReadCard } from './layouts/registry.ts';
export { CrtReader } from './readers/crt/reader.ts';
export type { CrtDialect } from './readers/crt/models.ts';
export type { SamPort } from './readers/crt/reader.ts';
export { DEFAULT_BAUD, openSerial } from './readers/crt/serial.ts';
export { dialectOf } from './readers/dialects/index.ts';
export { ProcessReader } from './readers/process/reader.ts';
export { PcscReader } from './readers/pcsc.ts';
export type { PcscReaderOptions } from './readers/pcsc.ts';
export { pcscProcess } from './readers/pcsc-process.ts';
export type { PcscService } from './readers/pcsc-service.ts';
export { VirtualReader } from './readers/virtual.ts';
export type { VirtualReaderOptions } from './readers/virtual.ts';
