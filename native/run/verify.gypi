# The sources of the launcher's verifier: from bytes to a verdict, without input or output.
{
  'include_dirs': ['.'],
  'sources': [
    'format/exact_text.cc',
    'format/fields.cc',
    'format/instant.cc',
    'format/json.cc',
    'format/json_reader.cc',
    'format/text.cc',
    'verify/approvals.cc',
    'verify/authenticate.cc',
    'verify/curve25519.cc',
    'verify/denials.cc',
    'verify/digests.cc',
    'verify/inclusion.cc',
    'verify/judge.cc',
    'verify/note.cc',
    'verify/record.cc',
    'verify/statement.cc',
    'verify/statement_parts.cc',
    'verify/trust.cc',
  ],
}
