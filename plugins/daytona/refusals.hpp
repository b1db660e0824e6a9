// What an answer of Daytona's stands for when it is no success, or no answer at all, and what to do about it. Pure.
#pragma once

#include <berth/http.hpp>

namespace berth_daytona {

// Absent: what its status usually means.
[[nodiscard]] std::optional<berth::Code> code_of(const berth::HttpResponse& response);

// Adds Daytona's own code, and a hint.
void complete(const berth::HttpResponse& response, berth::Error& error);

// Throws protocol_error: a wrong address answers 200 with a web page, and would be believed to have deleted something.
void must_be_json(std::string_view body);

}  // namespace berth_daytona
