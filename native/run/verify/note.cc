// Signed notes and checkpoints; see the header.

#include "verify/note.h"

#include <algorithm>

#include "verify/digests.h"

namespace writ::run {

namespace {

constexpr std::size_t max_note_units = 16'384;
constexpr std::size_t max_signatures = 32;
constexpr std::string_view dash = "\xe2\x80\x94 ";

// White space beyond ASCII, as JavaScript's \s has it.
constexpr std::string_view wide_spaces[] = {
    "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
    "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "\xef\xbb\xbf"};

bool is_key_name(std::string_view name) {
  if (name.empty() || name.find('+') != std::string_view::npos) return false;
  // A DEL is permitted, as in the specification.
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20; }))
    return false;
  return std::none_of(std::begin(wide_spaces), std::end(wide_spaces), [&](std::string_view space) {
    return name.find(space) != std::string_view::npos;
  });
}

Read<NoteSignature> parse_signature_line(std::string_view line) {
  const Unreadable refusal{"not a signature line (C2SP signed-note)"};
  if (line.substr(0, dash.size()) != dash) return refusal;
  const std::vector<std::string_view> parts = split(line.substr(dash.size()), ' ');
  if (parts.size() != 2 || !is_key_name(parts[0]) || parts[1].empty()) return refusal;
  const Read<Bytes> bytes = base64_decode(parts[1]);
  if (!bytes) return Unreadable{bytes.why()};
  if (bytes->size() < 5) return Unreadable{"a signature line is too short"};
  return NoteSignature{std::string(parts[0]), bytes->substr(0, 4), bytes->substr(4)};
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t end = text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

Read<VerifierKey> parse_verifier_key(std::string_view vkey) {
  const Unreadable refusal{"not an Ed25519 verifier key (C2SP signed-note)"};
  const std::size_t name_end = vkey.find('+');
  const std::size_t id_end = name_end == std::string_view::npos ? name_end : vkey.find('+', name_end + 1);
  if (id_end == std::string_view::npos) return refusal;
  const std::string_view name = vkey.substr(0, name_end);
  const Read<Bytes> id = hex_decode(vkey.substr(name_end + 1, id_end - name_end - 1));
  const Read<Bytes> material = base64_decode(vkey.substr(id_end + 1));
  if (!is_key_name(name) || !id || !material || material->size() != 33 || material->front() != '\x01')
    return refusal;
  const Bytes key_id = sha256(std::string(name) + "\n" + *material).substr(0, 4);
  if (*id != key_id) return Unreadable{"the verifier key does not match its own key id"};
  return VerifierKey{std::string(name), key_id, material->substr(1)};
}

Read<SignedNote> parse_note(std::string_view note) {
  if (utf16_length(note) > max_note_units) return Unreadable{"the note is too long"};
  const bool has_control = std::any_of(note.begin(), note.end(), [](char character) {
    return static_cast<unsigned char>(character) < 0x20 && character != '\n';
  });
  if (has_control) return Unreadable{"the note holds a control character"};
  const std::size_t text_end = note.rfind("\n\n");
  if (text_end == std::string_view::npos || text_end + 2 >= note.size() || note.back() != '\n')
    return Unreadable{"the note has no signatures"};
  SignedNote parsed{std::string(note.substr(0, text_end + 1)), {}};
  const std::vector<std::string_view> lines =
      split(note.substr(text_end + 2, note.size() - text_end - 3), '\n');
  if (lines.size() > max_signatures) return Unreadable{"the note has too many signatures"};
  for (const std::string_view line : lines) {
    Read<NoteSignature> signature = parse_signature_line(line);
    if (!signature) return Unreadable{signature.why()};
    parsed.signatures.push_back(std::move(*signature));
  }
  return parsed;
}

Read<Checkpoint> parse_checkpoint(std::string_view text) {
  const std::vector<std::string_view> lines = split(text, '\n');
  if (lines.size() < 4 || lines[0].empty() || !lines[3].empty())
    return Unreadable{"not a checkpoint (C2SP tlog-checkpoint)"};
  if (lines.size() > 4) return Unreadable{"the checkpoint has extension lines, which no log of ours writes"};
  const Read<std::uint64_t> size = parse_tree_number(lines[1]);
  const Read<Bytes> root = base64_decode(lines[2]);
  if (!size) return Unreadable{size.why()};
  if (!root || root->size() != 32) return Unreadable{"the checkpoint root is not 32 bytes"};
  return Checkpoint{std::string(lines[0]), *size, *root};
}

Read<std::uint64_t> parse_tree_number(std::string_view text) {
  const Unreadable refusal{"not a tree size or index"};
  const bool is_decimal = !text.empty() && text.size() <= 16 &&
                          text.find_first_not_of("0123456789") == std::string_view::npos &&
                          (text.size() == 1 || text.front() != '0');
  if (!is_decimal) return refusal;
  std::uint64_t number = 0;
  for (const char digit : text) number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  if (number > 9007199254740991u) return refusal;
  return number;
}

}  // namespace writ::run
