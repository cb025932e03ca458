/** What an enrolment makes, adopts, proves and refuses, on real swtpm instances. */

import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { tpmNameOf } from '../../src/format/tpm-public.js';
import type { EnrolRequest } from '../../src/tpm/enrolment/protocol.js';
import {
  defaultAkHandle,
  defaultCounterIndex,
  defaultPcrs,
  enrolTpm,
  pinnedBy,
  placesOf,
  readTpm,
} from '../../src/tpm/enrolment.js';
import { TpmError, type TpmFaultCode } from '../../src/tpm/faults.js';
import { makeCredential } from '../../src/tpm/make-credential.js';
import { openTestAttester } from './enrolled-swtpm.js';
import { type Swtpm, startSwtpm } from './swtpm-home.js';
import { tpm2Tool } from './tpm2-tool.js';
import { useTpm } from './use-tpm.js';

let machine: Swtpm;
before(async () => {
  machine = await startSwtpm();
});
after(() => machine.close());

function request(of: Swtpm, changes: Partial<EnrolRequest> = {}): EnrolRequest {
  return {
    tcti: of.tcti,
    akHandle: defaultAkHandle,
    counterIndex: defaultCounterIndex,
    pcrs: defaultPcrs,
    missing: 'make',
    ...changes,
  };
}

describe('an enrolment', () => {
  it('makes key and counter, proves where the key lives, and is finished or repeated by the next', async () => {
    const made = await enrolTpm(request(machine));
    assert.equal(made.attestationKey.outcome, 'made');
    assert.equal(made.attestationKey.name, tpmNameOf(made.attestationKey.publicArea));
    assert.deepEqual(made.attestationKey.attributes, [
      'fixedTPM',
      'fixedParent',
      'sensitiveDataOrigin',
      'userWithAuth',
      'noDA',
      'restricted',
      'sign',
    ]);
    assert.equal(made.counter.outcome, 'made');
    assert.deepEqual(made.counter.attributes, [
      'counter',
      'ownerWrite',
      'ownerRead',
      'authRead',
      'noDA',
      'written',
    ]);
    assert.equal(made.endorsement.kind, 'ecc-p256');
    assert.equal(made.endorsement.certificate, null);
    assert.deepEqual(
      made.pcrValues.map(({ index }) => index),
      defaultPcrs,
    );
    assert.equal(made.tpm.manufacturer, 'IBM');
    assert.match(made.tpm.firmwareVersion, /^[0-9a-f]{16}$/);

    const again = await enrolTpm(request(machine));
    assert.deepEqual([again.attestationKey.outcome, again.counter.outcome], ['adopted', 'adopted']);
    assert.deepEqual(again.since, made.since, 'the same boot');
    assert.deepEqual(pinnedBy(again, false), pinnedBy(made, false));
    assert.equal(again.counter.value, made.counter.value);

    const attester = await openTestAttester(pinnedBy(made, true));
    const counted = await attester.incrementCounter();
    assert.deepEqual(counted, { outcome: 'done', value: made.counter.value + 1 });
    await attester.close();
  });

  it("shows the maker's certificate, and uses the key that it certifies", async () => {
    const certified = await startSwtpm({ certificates: true });
    try {
      const { endorsement } = await enrolTpm(request(certified));
      assert.ok(endorsement.certificate !== null);
      const { publicKey } = new X509Certificate(endorsement.certificate);
      const { n } = publicKey.export({ format: 'jwk' });
      assert.equal(endorsement.kind, 'rsa-2048');
      // The modulus ends the public area.
      const area = Buffer.from(endorsement.publicArea);
      assert.equal(area.subarray(-256).toString('base64url'), n);
    } finally {
      await certified.close();
    }
  });

  it('finishes what an interrupted one left', async () => {
    const half = await startSwtpm();
    try {
      const { name } = useTpm(half, (tpm) => tpm.createAttestationKey(defaultAkHandle));
      const report = await enrolTpm(request(half));
      assert.deepEqual([report.attestationKey.outcome, report.counter.outcome], ['adopted', 'made']);
      assert.equal(report.attestationKey.name, name);

      const uncounted = 'nt=counter|ownerwrite|ownerread|authread|no_da';
      tpm2Tool(half, 'nvdefine', '-C', 'o', '-a', uncounted, '0x01805702');
      const { counter } = await enrolTpm(request(half, { counterIndex: 0x0180_5702 }));
      assert.ok(counter.value > 0);
      assert.equal(useTpm(half, (tpm) => tpm.counterPublic(0x0180_5702)).name, counter.name);
    } finally {
      await half.close();
    }
  });
});

describe('an enrolment is refused, and nothing is made', () => {
  const cases: readonly [what: string, prepare: (own: Swtpm) => void, code: TpmFaultCode, message: RegExp][] =
    [
      [
        'where a key of another kind lies',
        (own) => {
          tpm2Tool(own, 'createprimary', '-C', 'o', '-G', 'ecc', '-c', `${own.directory}/primary`);
          tpm2Tool(own, 'evictcontrol', '-C', 'o', '-c', `${own.directory}/primary`, '0x81025701');
        },
        'key-unfit',
        /holds an object at the handle 0x81025701 that is no attestation key: /,
      ],
      [
        'where a counter lies that anybody can move',
        (own) => {
          const attributes = 'nt=counter|ownerwrite|ownerread|authread|authwrite|no_da';
          tpm2Tool(own, 'nvdefine', '-C', 'o', '-a', attributes, '0x01805701');
          tpm2Tool(own, 'nvincrement', '-C', 'o', '0x01805701');
        },
        'counter-unfit',
        /holds a counter at the index 0x01805701 that is not of our kind \(counter, ownerWrite, authWrite,/,
      ],
      [
        'where the owner has a password',
        (own) => void tpm2Tool(own, 'changeauth', '-c', 'o', 'a password'),
        'owner-auth',
        /has an owner with a password$/,
      ],
    ];
  for (const [what, prepare, code, message] of cases) {
    it(what, async () => {
      const own = await startSwtpm();
      try {
        prepare(own);
        await assert.rejects(enrolTpm(request(own)), (error) => {
          assert.ok(error instanceof TpmError);
          assert.equal(error.fault.code, code, error.message);
          assert.match(error.fault.message, message);
          return true;
        });
        if (code !== 'key-unfit')
          assert.throws(() => useTpm(own, (tpm) => tpm.readKey(defaultAkHandle)), { code: 'TPM_ABSENT' });
        if (code !== 'counter-unfit')
          assert.throws(() => useTpm(own, (tpm) => tpm.counterPublic(defaultCounterIndex)), {
            code: 'TPM_ABSENT',
          });
      } finally {
        await own.close();
      }
    });
  }
});

describe('a credential', () => {
  const secret = randomBytes(32);
  for (const kind of ['ecc-p256', 'rsa-2048'] as const) {
    it(`for an endorsement key of ${kind} is opened by its TPM with that key, and by no other`, async () => {
      const other = await startSwtpm();
      try {
        const { name } = useTpm(machine, (tpm) => tpm.createAttestationKey(0x8102_0007));
        const { publicArea } = useTpm(machine, (tpm) => tpm.endorsementKey(kind));
        const stranger = useTpm(other, (tpm) => tpm.createAttestationKey(0x8102_0007));
        const open = (of: Swtpm, to: string) =>
          useTpm(of, (tpm) =>
            tpm.activateCredential(0x8102_0007, kind, makeCredential(publicArea, to, secret)),
          );
        assert.deepEqual(Buffer.from(open(machine, name)), secret);
        assert.throws(() => open(machine, stranger.name), 'another key');
        assert.throws(() => open(other, stranger.name), 'another TPM');
      } finally {
        useTpm(machine, (tpm) => tpm.removeKey(0x8102_0007));
        await other.close();
      }
    });
  }

  it('is refused for what is no endorsement key', () => {
    const { publicArea } = useTpm(machine, (tpm) => tpm.readKey(defaultAkHandle));
    assert.throws(
      () => makeCredential(publicArea, `000b${'0'.repeat(64)}`, secret),
      /does not protect with AES/,
    );
    assert.throws(() => makeCredential(new Uint8Array(3), `000b${'0'.repeat(64)}`, secret), SyntaxError);
  });
});

describe('looking at a TPM', () => {
  it('shows what is there and changes nothing', async () => {
    const enrolled = pinnedBy(await enrolTpm(request(machine)), true);
    const first = await readTpm(machine.tcti, placesOf(enrolled));
    assert.equal(first.attestationKeyName, enrolled.attestationKey.name);
    assert.equal(first.counter?.name, enrolled.counter.name);
    assert.equal(first.tpm.lockout.isLocked, false);
    assert.deepEqual(await readTpm(machine.tcti, placesOf(enrolled)), first);
    assert.deepEqual(await readTpm(machine.tcti, null), {
      ...first,
      attestationKeyName: null,
      counter: null,
    });
  });

  it('says what is not there', async () => {
    const blank = await startSwtpm();
    try {
      const enrolled = pinnedBy(await enrolTpm(request(machine)), true);
      const report = await readTpm(blank.tcti, placesOf(enrolled));
      assert.deepEqual([report.attestationKeyName, report.counter], [null, null]);
    } finally {
      await blank.close();
    }
    await assert.rejects(
      readTpm('swtpm:path=/nonexistent', null),
      (error) => error instanceof TpmError && error.fault.code === 'tpm-gone',
    );
  });
});
