/** What the daemon says unasked: JSON-RPC 2.0 notifications (section 4.1), from the daemon to the client only. */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { type Denials, evidenceCodes, plainCodes } from './denial.js';
import {
  type RevocationEvent,
  type RevocationsCurrent,
  revocationEventSchema,
  revocationsCurrentSchema,
} from './revocation-methods.js';

/** The run of `lease` is over: its processes are being killed, for these reasons. */
export interface LeaseStop {
  readonly lease: ArtifactId;
  readonly denials: Denials;
}

/** Every notification with its parameters. */
export interface Notifications {
  readonly 'lease.stop': LeaseStop;
  readonly 'revocations.event': RevocationEvent;
  readonly 'revocations.current': RevocationsCurrent;
}

export type NotificationMethod = keyof Notifications;

export type Notification = {
  readonly [N in NotificationMethod]: { readonly method: N; readonly params: Notifications[N] };
}[NotificationMethod];

const denialSchema = z.object({
  code: z.enum([...evidenceCodes, ...plainCodes]),
  message: z.string(),
  remedy: z.string(),
});

/** A list of denials as it is received: fields that this version does not know are dropped. */
export const denialsSchema: z.ZodType<Denials> = z.tuple([denialSchema], denialSchema);

/** Open schemas of the parameters, for whoever receives them. */
export const notificationSchemas: { readonly [N in NotificationMethod]: z.ZodType<Notifications[N]> } = {
  'revocations.event': revocationEventSchema,
  'revocations.current': revocationsCurrentSchema,
  'lease.stop': z.object({ lease: artifactIdSchema, denials: denialsSchema }),
};

/** The line of a notification, newline included. */
export function notificationLine({ method, params }: Notification): string {
  return `${JSON.stringify({ jsonrpc: '2.0', method, params })}\n`;
}
