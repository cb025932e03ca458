/** `lease.open`, `lease.renew` and `lease.close`: a redeemed artifact as a run, for as long as it stays trusted. */

import { denial } from '../../format/denial.js';
import type { Denied } from '../../format/protocol.js';
import type { Caller } from '../caller.js';
import type { ClientSession } from '../client-session.js';
import type { Request } from '../pipeline/parse.js';
import { refuse } from '../pipeline/refuse.js';
import type { Services } from '../services.js';

type LeaseRequest<M extends 'lease.open' | 'lease.renew' | 'lease.close'> = Extract<Request, { method: M }>;

const ungoverned = denial('ENVIRONMENT_MISMATCH', 'this daemon does not govern executions yet');

export function openLease(
  services: Services,
  _session: ClientSession,
  caller: Caller,
  request: LeaseRequest<'lease.open'>,
): Promise<Denied> {
  return refuse(services, request, { caller, claims: {}, policy: null }, [ungoverned]);
}

export function renewLease(
  services: Services,
  _session: ClientSession,
  caller: Caller,
  request: LeaseRequest<'lease.renew'>,
): Promise<Denied> {
  return refuse(services, request, { caller, claims: {}, policy: null }, [ungoverned]);
}

export function closeLease(
  services: Services,
  _session: ClientSession,
  caller: Caller,
  request: LeaseRequest<'lease.close'>,
): Promise<Denied> {
  return refuse(services, request, { caller, claims: {}, policy: null }, [ungoverned]);
}
