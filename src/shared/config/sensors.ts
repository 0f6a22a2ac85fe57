import { z } from 'zod';
import { kindOf, path } from './base.ts';

/** The uninterruptible power supply (docs/hardware.md, "UPS"). */
export const upsSchema = z
  .strictObject({
    kind: kindOf('UPS kind', ['nut', 'none']),
    /** nut: where `upsd` listens; left out: on this machine, at its usual port. */
    address: z
      .string()
      .regex(/^tcp:\/\/[^/:\s]+:\d{1,5}$/, 'tcp://HOST:PORT')
      .optional(),
    /** nut: its name in ups.conf. */
    name: z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'a name as ups.conf has it')
      .optional(),
    /** nut: of upsd.users; left out: none is needed to read. */
    username: z.string().min(1).max(64).optional(),
    /** The file with its password, readable by the kiosk's user only. */
    passwordFile: path.optional(),
    /**
     * So long on battery the machine stops in order, though the battery is not low. Left out: when
     * the UPS says that it is.
     */
    stopAfterSeconds: z.number().int().min(30).max(86_400).optional(),
  })
  .refine((u) => u.kind !== 'nut' || u.name !== undefined, 'nut needs a name')
  .refine((u) => (u.username === undefined) === (u.passwordFile === undefined), {
    error: 'username and passwordFile go together',
  });

/** One input or output of the module. */
const pointSchema = z.strictObject({
  /** From 0. */
  address: z.number().int().min(0).max(255),
  /** It means the opposite. */
  invert: z.boolean().optional(),
});

/** Inputs and outputs of the machine at a Modbus RTU module (docs/hardware.md, "Door, lamps, jack"). */
export const modbusSchema = z.strictObject({
  /** The serial port; in demo mode also `tcp://127.0.0.1:PORT`. */
  path,
  /** Left out: 9600. */
  baudRate: z
    .union([
      z.literal(9600),
      z.literal(19200),
      z.literal(38400),
      z.literal(57600),
      z.literal(115200),
    ])
    .optional(),
  /** Left out: none. */
  parity: z.enum(['none', 'even', 'odd']).optional(),
  /** The module's address; left out: 1. */
  unit: z.number().int().min(1).max(247).optional(),
  inputs: z
    .strictObject({
      /** On while the door is closed: then a wire that is cut reads as open. */
      door: pointSchema.optional(),
      /** On while headphones are plugged in. */
      jack: pointSchema.optional(),
    })
    .optional(),
  outputs: z
    .strictObject({
      cardLamp: pointSchema.optional(),
      scannerLamp: pointSchema.optional(),
      printerLamp: pointSchema.optional(),
      alarm: pointSchema.optional(),
    })
    .optional(),
});

/** The loudspeaker (docs/hardware.md, "Speaker"). */
export const speakerSchema = z.strictObject({
  kind: kindOf('speaker kind', ['alsa', 'none']),
  /**
   * alsa: the card by its name, as `aplay -l` has it in front of the brackets; left out: the
   * default one.
   */
  card: z
    .string()
    .regex(/^[\w-]{1,32}$/, 'the name of a card')
    .optional(),
  /** alsa: the control that sets how loud the card is; left out: Master. */
  mixer: z
    .string()
    .regex(/^[\w -]{1,32}$/, 'the name of a control')
    .optional(),
});
