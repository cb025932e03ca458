// Exact texts; see the header.

#include "format/exact_text.h"

namespace writ::run {

Json exact_text(std::string_view bytes) {
  if (is_utf8(bytes)) return Json(bytes);
  return Json::Object{{"base64", Json(base64_encode(bytes))}};
}

Read<Bytes> exact_bytes(const Json& form) {
  // The reader of JSON lets neither NUL nor a lone surrogate through.
  if (const std::string* text = form.text()) return *text;
  const Json* encoded = form.find("base64");
  if (encoded == nullptr || encoded->text() == nullptr || form.object()->size() != 1)
    return Unreadable{"neither a string nor bytes in base64"};
  Read<Bytes> bytes = base64_decode(*encoded->text());
  if (bytes && (is_utf8(*bytes) || bytes->find('\0') != Bytes::npos))
    return Unreadable{"must be base64 of bytes that are not UTF-8 and hold no NUL"};
  return bytes;
}

}  // namespace writ::run
