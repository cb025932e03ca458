/** The descriptor of a connected socket, which Node shows nowhere in its public interface. */

import type { Socket } from 'node:net';

/** The descriptor while the socket is open; null after it was closed. */
export function socketDescriptor(socket: Socket): number | null {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return null;
  const descriptor: unknown = Reflect.get(handle, 'fd');
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : null;
}
