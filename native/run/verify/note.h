// C2SP signed-note v1.0.0: text with signature lines, and the verifier keys (vkeys) that check them. Ed25519 only. And the
// tree head that such a note of a log says (C2SP tlog-checkpoint).

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/read.h"
#include "format/text.h"

namespace writ::run {

struct VerifierKey {
  std::string name;
  Bytes key_id;
  Bytes public_key;
};

struct NoteSignature {
  std::string name;
  Bytes key_id;
  Bytes signature;
};

// `text` ends in a newline and is what the signatures cover. Nothing in it is trusted yet.
struct SignedNote {
  std::string text;
  std::vector<NoteSignature> signatures;
};

// How many entries the log `origin` held, and the RFC 6962 root over them.
struct Checkpoint {
  std::string origin;
  std::uint64_t size;
  Bytes root;
};

// Reads `name+hex(id)+base64(0x01 || public key)`.
Read<VerifierKey> parse_verifier_key(std::string_view vkey);

// Reads a note of at most 16 KiB and 32 signatures.
Read<SignedNote> parse_note(std::string_view note);

// Reads the text of a note as a checkpoint. Extension lines are refused: no log of ours writes any.
Read<Checkpoint> parse_checkpoint(std::string_view text);

// Reads a tree size or index: the one decimal spelling of a number below 2^53.
Read<std::uint64_t> parse_tree_number(std::string_view text);

// The pieces of a text between its separators: one more than there are of these.
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace writ::run
