// `npm run build`: everything that `npm start` would build, without starting anything.

import { runMain } from './setup/failure.mjs';
import { prepareCheckout } from './setup/prepare.mjs';

await runMain(async () => {
  await prepareCheckout({ tests: false });
  return 0;
});
