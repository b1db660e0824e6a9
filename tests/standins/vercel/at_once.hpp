// The stand-in as a measure: every command ends at once with 0 and nothing is run, so that what is left is the cost of
// whoever asks. Only with the behaviour `work: none`.
#pragma once

#include "endpoints.hpp"

namespace standin::vercel {

/// Gives nothing for other endpoints, and where work is done.
[[nodiscard]] std::optional<Answer> at_once_endpoints(const Call& call);

}  // namespace standin::vercel
