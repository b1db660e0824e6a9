// Lists in pages: order, limit and the opaque cursor. Knows no kind of object.
#pragma once

#include "message.hpp"

namespace standin::vercel {

struct Listed {
    std::string key;  ///< what the list is sorted by
    std::string id;   ///< decides among equals
    Json object;
};

/// {NAME: [...], "pagination": {...}} as the query asks: limit, cursor, sortOrder.
[[nodiscard]] Json page(const Request& request, const char* name, std::vector<Listed> all);
/// A number as a key that sorts as it does.
[[nodiscard]] std::string sort_key(std::int64_t number);

}  // namespace standin::vercel
