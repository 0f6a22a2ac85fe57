import { z } from 'zod';

/** With a longer one the code would be larger than version 9, and hard to read from a slip. */
const MAX_URL = 60;

/**
 * Where phones reach central's pages: `<url>/r/<token>`. https; plain http only on the machine's
 * own loopback, for the demo. Without a path's last slash, query or fragment.
 */
export const receiptsPolicySchema = z.object({
  url: z
    .string()
    .max(MAX_URL)
    .regex(
      /^(?:https:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?|http:\/\/(?:127\.0\.0\.1|localhost):\d{1,5})(?:\/[A-Za-z0-9._~-]+)*$/,
      'https://… without a slash at its end; http on loopback only',
    ),
});
