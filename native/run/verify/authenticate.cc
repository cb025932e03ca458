// Authentication; see the header.

#include "verify/authenticate.h"

#include <algorithm>

#include "verify/digests.h"
#include "verify/inclusion.h"

namespace writ::run {

namespace {

struct Envelope {
  std::string payload;
  std::string payload_type;
  std::vector<std::string> signatures;
};

// DSSE v1: fields that it does not know are ignored, as its specification demands.
std::optional<Envelope> read_envelope(const Json& value) {
  const Json* payload = value.find("payload");
  const Json* type = value.find("payloadType");
  const Json* signatures = value.find("signatures");
  if (payload == nullptr || payload->text() == nullptr || type == nullptr || type->text() == nullptr ||
      signatures == nullptr || signatures->list() == nullptr)
    return std::nullopt;
  Envelope envelope{*payload->text(), *type->text(), {}};
  for (const Json& signature : *signatures->list()) {
    const Json* sig = signature.find("sig");
    const Json* key = signature.find("keyid");
    if (sig == nullptr || sig->text() == nullptr || (key != nullptr && key->text() == nullptr)) return std::nullopt;
    envelope.signatures.push_back(*sig->text());
  }
  return envelope;
}

Read<LoggedPayload> read_payload(const std::string& type, const Bytes& payload) {
  if (type == statement_payload_type) {
    Read<Statement> statement = parse_statement(payload);
    if (!statement) return Unreadable{statement.why()};
    return LoggedPayload{std::move(*statement), std::nullopt};
  }
  if (type == record_payload_type) {
    Read<Record> record = parse_record(payload);
    if (!record) return Unreadable{record.why()};
    return LoggedPayload{std::nullopt, std::move(*record)};
  }
  return Unreadable{"the payload type is neither that of a statement nor that of a record"};
}

// The one proof among the signatures; an export carries a plain signature beside it.
Read<TlogProof> read_proof(const std::vector<std::string>& signatures) {
  std::optional<Bytes> proof;
  for (const std::string& signature : signatures) {
    const Read<Bytes> bytes = base64_decode(signature);
    if (!bytes) return Unreadable{"the proof of inclusion cannot be read: " + bytes.why()};
    const std::string header = std::string(proof_header) + "\n";
    if (bytes->substr(0, header.size()) != header) continue;
    if (proof) return Unreadable{"the artifact carries more than one proof of inclusion"};
    proof = *bytes;
  }
  if (!proof) return Unreadable{"none of the signatures is a proof of inclusion in a log"};
  Read<TlogProof> parsed = parse_tlog_proof(*proof);
  if (!parsed) return Unreadable{"the proof of inclusion cannot be read: " + parsed.why()};
  return parsed;
}

// Whether this key signed the note: at least one signature claims to be the key's, and each that does is one.
bool claims_to_be_signed_by(const SignedNote& note, const VerifierKey& key) {
  return std::any_of(note.signatures.begin(), note.signatures.end(), [&](const NoteSignature& signature) {
    return signature.name == key.name && signature.key_id == key.key_id;
  });
}

bool is_signed_by(const SignedNote& note, const VerifierKey& key) {
  if (!claims_to_be_signed_by(note, key) || !is_ed25519_key(key.public_key)) return false;
  return std::all_of(note.signatures.begin(), note.signatures.end(), [&](const NoteSignature& signature) {
    if (signature.name != key.name || signature.key_id != key.key_id) return true;
    return verify_ed25519(key.public_key, note.text, signature.signature);
  });
}

// A retired key may be in anybody's hands by now: of what it signed, only its pinned final tree head is believed.
const char* retirement_fault(const std::optional<RetiredLog>& retired, const Checkpoint& checkpoint) {
  if (!retired || (checkpoint.size == retired->size && checkpoint.root == retired->root)) return nullptr;
  if (checkpoint.size < retired->size)
    return "the checkpoint is older than the final tree head of this retired log key, and nothing proves that it lies "
           "under it";
  return checkpoint.size == retired->size
             ? "the checkpoint is not the final tree head of this retired log key"
             : "the checkpoint is later than the final tree head of this retired log key";
}

// Proves that a trusted log signed this note.
Read<Checkpoint> prove_checkpoint(const std::string& text, const Trust& trust) {
  const Read<SignedNote> note = parse_note(text);
  if (!note) return Unreadable{"the checkpoint cannot be read: " + note.why()};
  const Read<Checkpoint> checkpoint = parse_checkpoint(note->text);
  if (!checkpoint) return Unreadable{"the checkpoint cannot be read: " + checkpoint.why()};
  bool is_named = false;
  for (const TrustedLog& log : trust.logs) {
    if (log.origin != checkpoint->origin) continue;
    is_named = true;
    if (!claims_to_be_signed_by(*note, log.key)) continue;
    if (!is_signed_by(*note, log.key)) return Unreadable{"the signature on the checkpoint does not verify"};
    const char* fault = retirement_fault(log.retired, *checkpoint);
    if (fault != nullptr) return Unreadable{fault};
    return checkpoint;
  }
  return Unreadable{is_named ? "no key that the trust bundle names for this log signed the checkpoint"
                             : "the checkpoint is of a log that the trust bundle does not name"};
}

// What a compromised key sealed is revoked under any checkpoint: its successor's tree holds it too.
bool is_compromised(const std::string& origin, std::uint64_t index, const Trust& trust) {
  return std::any_of(trust.logs.begin(), trust.logs.end(), [&](const TrustedLog& log) {
    if (log.origin != origin || !log.retired || !log.retired->compromised_from) return false;
    return *log.retired->compromised_from <= index && index < log.retired->size;
  });
}

const std::string& kind_of(const LoggedPayload& payload) {
  return payload.statement ? payload.statement->kind : payload.record->kind;
}

const std::string& attributed_log(const LoggedPayload& payload) {
  return payload.statement ? payload.statement->log : payload.record->log;
}

constexpr const char* id_prefix = "sha3-512:";

// Pre-Authentication Encoding (DSSE protocol.md): the bytes that are signed and digested.
Bytes pae_of(const std::string& type, const Bytes& payload) {
  return "DSSEv1 " + std::to_string(type.size()) + " " + type + " " + std::to_string(payload.size()) + " " + payload;
}

// The three lines of the log entry, which digest the PAE of the payload.
std::string leaf_of(const std::string& kind, const Bytes& sha3, const Bytes& blake2b) {
  return "writ.entry/v1 " + kind + "\nsha3-512 " + base64_encode(sha3) + "\nblake2b-512 " + base64_encode(blake2b) +
         "\n";
}

}  // namespace

Read<std::string> artifact_id_of(const Json& value) {
  const std::optional<Envelope> envelope = read_envelope(value);
  if (!envelope) return Unreadable{"it is no DSSE envelope"};
  const Read<Bytes> payload = base64_decode(envelope->payload);
  if (!payload) return Unreadable{payload.why()};
  const Read<LoggedPayload> logged = read_payload(envelope->payload_type, *payload);
  if (!logged) return Unreadable{logged.why()};
  return id_prefix + hex_encode(sha3_512(pae_of(envelope->payload_type, *payload)));
}

Authentication authenticate(const Json& value, const Trust& trust) {
  Authentication result{};
  const auto refuse = [&](const char* code, std::string message) {
    result.denial = denied(code, std::move(message));
    return result;
  };
  if (value.is_null()) return refuse(code_no_authorization, "no artifact was presented");
  const std::optional<Envelope> envelope = read_envelope(value);
  if (!envelope) return refuse(code_malformed, "this is no artifact: it is not a DSSE envelope");
  const Read<Bytes> payload = base64_decode(envelope->payload);
  if (!payload) return refuse(code_malformed, "the artifact's payload cannot be read: " + payload.why());
  Read<LoggedPayload> logged = read_payload(envelope->payload_type, *payload);
  if (!logged) return refuse(code_malformed, "the artifact's payload cannot be read: " + logged.why());
  result.payload = std::move(*logged);

  const Read<TlogProof> proof = read_proof(envelope->signatures);
  if (!proof) return refuse(code_bad_signature, proof.why());
  const Read<Checkpoint> checkpoint = prove_checkpoint(proof->checkpoint, trust);
  if (!checkpoint) return refuse(code_bad_signature, checkpoint.why());

  const Bytes pae = pae_of(envelope->payload_type, *payload);
  const Bytes sha3 = sha3_512(pae);
  result.id = id_prefix + hex_encode(sha3);
  result.index = proof->index;
  result.checkpoint = *checkpoint;
  const Read<Bytes> root = root_of_inclusion(leaf_of(kind_of(*result.payload), sha3, blake2b_512(pae)),
                                             proof->index, checkpoint->size, proof->hashes);
  if (!root) return refuse(code_bad_signature, "the proof does not hold: " + root.why());
  if (*root != checkpoint->root)
    return refuse(code_bad_signature, "the proof does not lead from this payload to the signed checkpoint");
  if (attributed_log(*result.payload) != checkpoint->origin)
    return refuse(code_bad_signature, "the artifact names another log than the one that proves it");
  if (is_compromised(checkpoint->origin, proof->index, trust))
    return refuse(code_revoked, "it was sealed by a key that somebody else could use by then");
  return result;
}

}  // namespace writ::run
