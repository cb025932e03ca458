/** `environment`: what is measured now of the machine and of the caller, bound or not, and what the owner accepted. */

import { sortedByName } from '../../environment/measurement.js';
import type { EnvironmentResult, MeasuredBinding } from '../../format/protocol.js';
import type { Caller } from '../caller.js';
import type { Services } from '../services.js';

/** What comes of a quote is in the caller's bindings already; everything else is measured anew, also what is not bound. */
export function environment({ environment: service }: Services, caller: Caller): EnvironmentResult {
  const { bindings, unavailable } = service.survey(caller.peer);
  const measured = bindings.map(
    (binding): MeasuredBinding => ({ ...binding, bound: service.binds(binding.name) }),
  );
  const quoted = caller.environment
    .filter(({ source }) => source === 'tpm')
    .map((binding): MeasuredBinding => ({ ...binding, bound: true }));
  return { bindings: sortedByName([...measured, ...quoted]), unavailable, accepted: service.reference() };
}
