// Strict JSON values; see the header. The reader is in json_reader.cc.

#include "format/json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace writ::run {

namespace {

// The order of UTF-16 code units (section 3.2.3), seen in UTF-8: it is that of the bytes, except that characters beyond
// U+FFFF, whose surrogates begin with D8, come before those from U+E000 on.
bool utf16_less(std::string_view left, std::string_view right) {
  const std::size_t shared = std::min(left.size(), right.size());
  for (std::size_t position = 0; position < shared; position++) {
    const auto a = static_cast<unsigned char>(left[position]);
    const auto b = static_cast<unsigned char>(right[position]);
    if (a == b) continue;
    const bool is_reversed = std::min(a, b) >= 0xee && std::min(a, b) < 0xf0 && std::max(a, b) >= 0xf0;
    return (a < b) != is_reversed;
  }
  return left.size() < right.size();
}

// As JSON.stringify and RFC 8785 section 3.2.2.2 escape.
void write_text(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char character : text) {
    switch (character) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(character) < 0x20) {
          char escape[8];
          std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(character));
          out += escape;
        } else {
          out.push_back(character);
        }
    }
  }
  out.push_back('"');
}

void write_number(double number, std::string& out) {
  char text[32];
  // Whole numbers up to 2^53 have one decimal spelling. Of others, which only answers hold, people see enough.
  const char* form = number == std::floor(number) && std::fabs(number) < 1e17 ? "%.0f" : "%.17g";
  std::snprintf(text, sizeof text, form, number == 0 ? 0.0 : number);
  out += text;
}

std::vector<const Json::Member*> in_canonical_order(const Json::Object& members) {
  std::vector<const Json::Member*> sorted;
  for (const Json::Member& member : members) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(), [](const Json::Member* left, const Json::Member* right) {
    return utf16_less(left->first, right->first);
  });
  return sorted;
}

void write_canonical(const Json& value, std::string& out) {
  if (const bool* boolean = value.boolean()) {
    out += *boolean ? "true" : "false";
  } else if (const double* number = value.number()) {
    write_number(*number, out);
  } else if (const std::string* text = value.text()) {
    write_text(*text, out);
  } else if (const Json::List* list = value.list()) {
    const char* separator = "[";
    for (const Json& item : *list) {
      out += std::exchange(separator, ",");
      write_canonical(item, out);
    }
    out += list->empty() ? "[]" : "]";
  } else if (const Json::Object* object = value.object()) {
    const char* separator = "{";
    for (const Json::Member* member : in_canonical_order(*object)) {
      out += std::exchange(separator, ",");
      write_text(member->first, out);
      out.push_back(':');
      write_canonical(member->second, out);
    }
    out += object->empty() ? "{}" : "}";
  } else {
    out += "null";
  }
}

void write_indented(const Json& value, std::size_t depth, std::string& out) {
  const auto begin_line = [&](std::size_t levels) {
    out.push_back('\n');
    out.append(2 * levels, ' ');
  };
  const Json::List* list = value.list();
  const Json::Object* object = value.object();
  if ((list == nullptr || list->empty()) && (object == nullptr || object->empty()))
    return write_canonical(value, out);
  const char* separator = "";
  out.push_back(list != nullptr ? '[' : '{');
  if (list != nullptr) {
    for (const Json& item : *list) {
      out += std::exchange(separator, ",");
      begin_line(depth + 1);
      write_indented(item, depth + 1, out);
    }
  } else {
    for (const auto& [name, item] : *object) {
      out += std::exchange(separator, ",");
      begin_line(depth + 1);
      write_text(name, out);
      out += ": ";
      write_indented(item, depth + 1, out);
    }
  }
  begin_line(depth);
  out.push_back(list != nullptr ? ']' : '}');
}

}  // namespace

const Json* Json::find(std::string_view name) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  for (const Member& member : *members) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

bool operator==(const Json& left, const Json& right) {
  const Json::Object* members = left.object();
  const Json::List* items = left.list();
  if (members != nullptr) {
    const Json::Object* others = right.object();
    if (others == nullptr || others->size() != members->size()) return false;
    // Names are distinct on either side, so equally many that are all found are the same.
    return std::all_of(members->begin(), members->end(), [&](const Json::Member& member) {
      const Json* other = right.find(member.first);
      return other != nullptr && member.second == *other;
    });
  }
  if (items != nullptr) return right.list() != nullptr && *items == *right.list();
  if (const double* number = left.number()) return right.number() != nullptr && *number == *right.number();
  if (const std::string* text = left.text()) return right.text() != nullptr && *text == *right.text();
  if (const bool* boolean = left.boolean()) return right.boolean() != nullptr && *boolean == *right.boolean();
  return right.is_null();
}

std::string canonical_json(const Json& document) {
  std::string out;
  write_canonical(document, out);
  return out;
}

std::string indented_json(const Json& document) {
  std::string out;
  write_indented(document, 0, out);
  return out;
}

}  // namespace writ::run
