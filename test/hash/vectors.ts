// Known answers, from the publications that define the functions and from their authors' test suites.

/** A message, described so that a failure can name it, and its digest in hexadecimal. */
export type KnownAnswer = { readonly name: string; readonly message: Uint8Array; readonly digest: string };

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

const EMPTY: Uint8Array = new Uint8Array();
const TWO_BLOCKS =
  'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu';

/** NIST's example values for FIPS 202 and the messages that FIPS 180 made customary. */
export const sha3_512Answers: readonly KnownAnswer[] = [
  {
    name: 'no byte',
    message: EMPTY,
    digest:
      'a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26',
  },
  {
    name: 'abc',
    message: ascii('abc'),
    digest:
      'b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0',
  },
  {
    name: '448 bits of text',
    message: ascii('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    digest:
      '04a371e84ecfb5b8b77cb48610fca8182dd457ce6f326a0fd3d7ec2f1e91636dee691fbe0c985302ba1b0d8dc78c086346b533b49c030d99a27daf1139d6e75e',
  },
  {
    name: '896 bits of text',
    message: ascii(TWO_BLOCKS),
    digest:
      'afebb2ef542e6579c50cad06d2e578f9f8dd6881d7dc824d26360feebf18a4fa73e3261122948efcfd492e74e82e2189ed0fb440d187f382270cb455f21dd185',
  },
  {
    name: '200 bytes a3',
    message: new Uint8Array(200).fill(0xa3),
    digest:
      'e76dfad22084a8b1467fcf2ffa58361bec7628edf5f3fdc0e4805dc48caeeca81b7c13c30adf52a3659584739a2df46be589c51ca1a4a8416df6545a1ce8ba00',
  },
  {
    name: 'a million times a',
    message: new Uint8Array(1_000_000).fill(0x61),
    digest:
      '3c3a876da14034ab60627c077bb98f7e120a2a5370212dffb3385a18d4f38859ed311d0a9d5141ce9cc5c66ee689b266a8aa18ace8282a0e0db596c90b0a7b87',
  },
];

/** RFC 7693, appendix A ("abc"), and the known answers of BLAKE2's authors. */
export const blake2b512Answers: readonly KnownAnswer[] = [
  {
    name: 'no byte',
    message: EMPTY,
    digest:
      '786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce',
  },
  {
    name: 'one byte 00',
    message: new Uint8Array(1),
    digest:
      '2fa3f686df876995167e7c2e5d74c4c7b6e48f8068fe0e44208344d480f7904c36963e44115fe3eb2a3ac8694c28bcb4f5a0f3276f2e79487d8219057a506e4b',
  },
  {
    name: 'abc',
    message: ascii('abc'),
    digest:
      'ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923',
  },
  {
    name: 'a sentence',
    message: ascii('The quick brown fox jumps over the lazy dog'),
    digest:
      'a8add4bdddfd93e4877d2746e62817b116364a1fa7bc148d95090bc7333b3673f82401cf7aa2e4cb1ecd90296e3f14cb5413f8ed77be73045b13914cdcd6a918',
  },
];
