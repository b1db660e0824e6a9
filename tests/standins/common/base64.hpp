// Base64, both ways, for bytes in JSON. Knows nothing else.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace standin {

[[nodiscard]] std::string base64(std::string_view bytes);
/// Takes the usual and the URL's alphabet, with and without padding; nothing when it is neither.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace standin
