// Messages; see the header. src/cli/output.ts and src/cli/denial-text.ts have the same rules.

#include "ask/messages.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace writ::run {

namespace {

constexpr std::string_view plain = "\x1b[0m";
constexpr std::string_view bad = "\x1b[31m";
constexpr std::string_view faint = "\x1b[2m";
constexpr std::string_view strong = "\x1b[1m";

// Colour appears only on a terminal, and never with a NO_COLOR that is not empty.
bool is_coloured(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && (refused == nullptr || *refused == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string painted(std::string_view style, std::string_view text, bool coloured) {
  if (!coloured) return std::string(text);
  return std::string(style).append(text).append(plain);
}

void append_escape(unsigned code, std::string& out) {
  char escape[8];
  std::snprintf(escape, sizeof escape, "\\x%02x", code);
  out += escape;
}

// Text from elsewhere must not steer the terminal. The text is UTF-8; C1 controls are two bytes there.
std::string visible(std::string_view text) {
  std::string out;
  for (std::size_t position = 0; position < text.size(); position++) {
    const auto byte = static_cast<unsigned char>(text[position]);
    const auto next = position + 1 < text.size() ? static_cast<unsigned char>(text[position + 1]) : 0u;
    if (byte == 0xc2 && next >= 0x80 && next <= 0x9f) {
      append_escape(next, out);
      position++;
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      append_escape(byte, out);
    } else {
      out.push_back(text[position]);
    }
  }
  return out;
}

// To the last byte, or not at all: whoever stops reading does not want the rest.
void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

const std::string& text_of(const Json& object, const char* name) {
  static const std::string none;
  const Json* member = object.find(name);
  return member == nullptr || member->text() == nullptr ? none : *member->text();
}

std::string denial_lines(const Json& denials, const Json* evidence, bool coloured) {
  std::string lines = painted(bad, "denied", coloured) + "\n";
  for (const Json& reason : *denials.list()) {
    lines += "  " + painted(strong, visible(text_of(reason, "code")), coloured) + "  " +
             visible(text_of(reason, "message")) + "\n";
    lines += "    " + painted(faint, "-> " + visible(text_of(reason, "remedy")), coloured) + "\n";
  }
  if (evidence == nullptr) return lines;
  if (evidence->is_null()) {
    lines += painted(faint, "  (a plain answer: no evidence was sealed)", coloured) + "\n";
  } else {
    const Json* index = evidence->find("index");
    lines += "  evidence  " + visible(text_of(*evidence, "id")) + " " +
             painted(faint, "(log index " + (index == nullptr ? "?" : canonical_json(*index)) + ")", coloured) + "\n";
  }
  return lines;
}

Json denied_document(const Denial& denial) {
  return Json::Object{{"decision", Json("deny")},
                      {"denials", Json(Json::List{denial_json(denial)})},
                      {"evidence", Json()}};
}

}  // namespace

Json denial_json(const Denial& denial) {
  return Json::Object{
      {"code", Json(denial.code)}, {"message", Json(denial.message)}, {"remedy", Json(denial.remedy)}};
}

int Messages::fail(const Failure& failure) const {
  if (json_) {
    const Json document(Json::Object{{"code", Json(failure.code)}, {"message", Json(failure.message)}});
    write_all(STDOUT_FILENO, indented_json(Json(Json::Object{{"error", document}})) + "\n");
  } else {
    note("writ: " + failure.message);
  }
  return static_cast<int>(failure.exit_code);
}

int Messages::deny(const Json& denied) const {
  if (json_) write_all(STDOUT_FILENO, indented_json(denied) + "\n");
  else
    write_all(STDERR_FILENO,
              denial_lines(*denied.find("denials"), denied.find("evidence"), is_coloured(STDERR_FILENO)));
  return static_cast<int>(ExitCode::denied);
}

int Messages::refuse(const Refused& refused) const {
  if (const Failure* failure = std::get_if<Failure>(&refused)) return fail(*failure);
  if (const Denial* denial = std::get_if<Denial>(&refused)) return deny(denied_document(*denial));
  return deny(*std::get_if<Json>(&refused));
}

void Messages::report(const Refused& refused) const {
  if (const Failure* failure = std::get_if<Failure>(&refused)) note("writ: the run is ended: " + failure->message);
  else if (const Denial* denial = std::get_if<Denial>(&refused)) report_denials(Json(Json::List{denial_json(*denial)}));
  else report_denials(*std::get_if<Json>(&refused)->find("denials"));
}

void Messages::report_denials(const Json& denials) const {
  if (denials.list() == nullptr) return;
  const Json document(Json::Object{{"decision", Json("deny")}, {"denials", denials}, {"evidence", Json()}});
  write_all(STDERR_FILENO, json_ ? indented_json(document) + "\n"
                                 : denial_lines(denials, nullptr, is_coloured(STDERR_FILENO)));
}

void Messages::note(const std::string& text) const { write_all(STDERR_FILENO, visible(text) + "\n"); }

void Messages::granted(const Json& document) const {
  if (json_) write_all(STDERR_FILENO, indented_json(document) + "\n");
}

}  // namespace writ::run
