// Stands in for <format> where the compiler's library lacks it (GCC before 13).
// mlx-c uses std::format with plain {} only.
#pragma once

#include <sstream>
#include <string>
#include <string_view>

namespace std {

template <class... Args>
string format(string_view text, const Args&... args) {
  ostringstream out;
  auto upTo = [&](auto&& put) {
    size_t at = text.find("{}");
    out << text.substr(0, at);
    if (at == string_view::npos) {
      text = {};
      return;
    }
    put();
    text.remove_prefix(at + 2);
  };
  (upTo([&] { out << args; }), ...);
  out << text;
  return out.str();
}

} // namespace std
