// Bodies of multipart/form-data, taken apart. Knows no files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace standin::daytona {

struct Part {
    std::string name;
    std::string_view body;
};

/// The boundary of a Content-Type, or "".
[[nodiscard]] std::string boundary_of(const std::string& content_type);
/// As far as the body holds; `body` must outlive them.
[[nodiscard]] std::vector<Part> parts_of(std::string_view body, const std::string& boundary);

}  // namespace standin::daytona
