import { createHmac } from 'node:crypto';
import { createTransport } from 'nodemailer';
import type { Clock } from '../../../shared/ports.ts';
import { httpPort, sendWithin } from '../../../shared/http.ts';
import type { HttpSend } from '../../../shared/http.ts';
import { chinaTime } from '../../../shared/time.ts';
import type { AlarmCode, AlarmsConfig } from './config.ts';
import { ALARM_RULES, MANY, measureOf } from './rules.ts';

/** What is told of an alarm, by either channel; also the webhook's body. No personal data. */
export interface AlarmNotice {
  /** The alarm's number: `raised`, `worse` and `cleared` of one alarm have the same. */
  readonly alarm: number;
  readonly code: AlarmCode;
  readonly what: 'raised' | 'worse' | 'cleared';
  /** A terminal; `*`: many; empty: central as a whole. */
  readonly subject: string;
  /** In the rule's unit; of many terminals how many they are. */
  readonly measure: number;
  readonly detail: string;
  readonly raisedMs: number;
  readonly atMs: number;
}
/** One message: the same delivery may come twice, under the same number. */
export interface AlarmMessage {
  readonly id: number;
  readonly notice: AlarmNotice;
}
/** Delivers one message. Never rejects; a text: why it is not delivered, and is tried again. */
export type AlarmChannel = (message: AlarmMessage) => Promise<string | null>;

/** So long a mail server or a receiver may take, ms. */
const TIMEOUT_MS = 15_000;
const WHAT: Readonly<Record<AlarmNotice['what'], string>> = {
  raised: '报警',
  worse: '加重',
  cleared: '解除',
};
const subjectOf = (n: AlarmNotice): string =>
  n.subject === MANY ? '多台终端' : n.subject === '' ? '收费中心' : n.subject;

/** What the files of the configuration hold; null: it names none. */
export interface MailSecrets {
  readonly password: string | null;
  readonly caPem: string | null;
}

/** Mail by SMTP. */
export function mailChannel(
  mail: NonNullable<AlarmsConfig['mail']>,
  rules: AlarmsConfig['rules'],
  { password, caPem }: MailSecrets,
): AlarmChannel {
  const transport = createTransport({
    host: mail.host,
    port: mail.port,
    secure: mail.tls === 'implicit',
    requireTLS: mail.tls === 'starttls',
    ignoreTLS: mail.tls === 'none',
    ...(mail.user === undefined || password === null
      ? {}
      : { auth: { user: mail.user, pass: password } }),
    ...(caPem === null ? {} : { tls: { ca: caPem } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    dnsTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = mail.from.split('@')[1] ?? 'localhost';
  return async ({ id, notice }) => {
    const { words } = ALARM_RULES[notice.code];
    try {
      await transport.sendMail({
        from: mail.from,
        to: [...(rules?.[notice.code]?.to ?? mail.to)],
        subject: `[长明] ${WHAT[notice.what]} ${notice.code} ${subjectOf(notice)}`,
        // The same mail under the same number, should it go out twice.
        messageId: `<alarm-${notice.alarm}-${id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
        text: [
          `${WHAT[notice.what]}：${words}`,
          `代码：${notice.code}`,
          `对象：${subjectOf(notice)}`,
          `程度：${measureOf(notice)}`,
          ...(notice.detail === '' ? [] : [`说明：${notice.detail}`]),
          `开始：${chinaTime(notice.raisedMs)}`,
          `时间：${chinaTime(notice.atMs)}`,
        ].join('\n'),
      });
      return null;
    } catch (cause) {
      return (cause instanceof Error ? cause.message : String(cause)).slice(0, 300);
    }
  };
}

/** What a webhook's message is signed over, and with: `v1=` and the hex of HMAC-SHA256. */
export const webhookSignature = (secret: string, timestampS: number, body: string): string =>
  `v1=${createHmac('sha256', secret).update(`${timestampS}.${body}`, 'utf8').digest('hex')}`;

/** JSON by POST, signed with its time, so that an old one that is sent again is known by it. */
export function webhookChannel(
  webhook: NonNullable<AlarmsConfig['webhook']>,
  secret: string,
  clock: Clock,
  send?: HttpSend,
): AlarmChannel {
  const at = new URL(webhook.url);
  const port = httpPort(send === undefined ? {} : { send });
  return async ({ id, notice }) => {
    const body = JSON.stringify(notice);
    const timestampS = Math.floor(clock.nowMs() / 1_000);
    const told = await sendWithin(
      port,
      {
        method: 'POST',
        origin: at.origin,
        target: `${at.pathname}${at.search}`,
        headers: {
          'content-type': 'application/json',
          'x-pilotlight-delivery': String(id),
          'x-pilotlight-timestamp': String(timestampS),
          'x-pilotlight-signature': webhookSignature(secret, timestampS, body),
        },
        body: Buffer.from(body, 'utf8'),
        maxBytes: 64 << 10,
      },
      clock,
      TIMEOUT_MS,
    );
    if (!told.ok) return told.error.said.slice(0, 300);
    const { status } = told.value;
    return status >= 200 && status < 300 ? null : `HTTP ${status}`;
  };
}
