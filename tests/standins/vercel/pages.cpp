#include "pages.hpp"

#include <algorithm>
#include <charconv>

#include "base64.hpp"
#include "validation.hpp"

namespace standin::vercel {

namespace {

std::size_t limit_of(const Request& request) {
    const auto text = request.asked("limit", "20");
    int limit = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (read.ptr != text.data() + text.size() || limit < 1 || limit > 50) {
        bad_request("Invalid request: `limit` should be 1 to 50.");
    }
    return static_cast<std::size_t>(limit);
}

std::string cursor_after(const Listed& last) {
    return base64(text_of({last.key, last.id}));
}

std::pair<std::string, std::string> position_of(const std::string& cursor) {
    const auto bytes = from_base64(cursor);
    const auto position = Json::parse(bytes.value_or(""), nullptr, false);
    if (!position.is_array() || position.size() != 2) bad_request("Invalid request: `cursor` is not valid.");
    return {position[0].get<std::string>(), position[1].get<std::string>()};
}

}  // namespace

std::string sort_key(std::int64_t number) {
    auto digits = std::to_string(number);
    return std::string(20 - std::min<std::size_t>(20, digits.size()), '0') + digits;
}

Json page(const Request& request, const char* name, std::vector<Listed> all) {
    const auto order = request.asked("sortOrder", "desc");
    if (order != "asc" && order != "desc") bad_request("Invalid request: `sortOrder` should be asc or desc.");
    const auto before = [&](const auto& a, const auto& b) { return order == "asc" ? a < b : b < a; };
    const auto place = [](const Listed& one) { return std::pair(one.key, one.id); };
    std::sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return before(place(a), place(b)); });
    const auto limit = limit_of(request);
    auto first = all.begin();
    if (const auto cursor = request.asked("cursor"); !cursor.empty()) {
        const auto position = position_of(cursor);
        first = std::find_if(all.begin(), all.end(), [&](const auto& one) { return before(position, place(one)); });
    }
    auto objects = Json::array();
    Json next = nullptr;
    for (auto each = first; each != all.end(); ++each) {
        if (objects.size() == limit) {
            next = cursor_after(*std::prev(each));
            break;
        }
        objects.push_back(each->object);
    }
    const auto count = objects.size();
    return {{name, std::move(objects)}, {"pagination", {{"count", count}, {"next", next}}}};
}

}  // namespace standin::vercel
