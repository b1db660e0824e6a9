// What a sandbox uses, read from /proc inside it: the API has no live figures. What cannot be read is absent.
#pragma once

#include "backend.hpp"

namespace berth_vercel {

[[nodiscard]] berth::Usage usage_of(const Backend& backend, berth::Call& call, std::string_view id);

}  // namespace berth_vercel
