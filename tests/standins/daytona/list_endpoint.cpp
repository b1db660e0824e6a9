// GET /sandbox: filters, order and pages.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "endpoints.hpp"
#include "fields.hpp"
#include "shapes.hpp"

namespace standin::daytona {

namespace {

using Found = std::vector<std::shared_ptr<Sandbox>>;

std::string small(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return text;
}

bool begins_with(const std::string& text, const std::string& head) {
    return small(text).rfind(small(head), 0) == 0;
}

/// All values of a key that may be repeated.
std::vector<std::string> repeated(const Request& request, const std::string& key) {
    std::vector<std::string> values;
    auto at = request.target.find('?');
    while (at != std::string::npos) {
        const auto end = request.target.find('&', at + 1);
        Request part;
        part.target = "/?" + request.target.substr(at + 1, end == std::string::npos ? end : end - at - 1);
        read_target(part);
        if (part.query.contains(key)) values.push_back(part.query[key]);
        at = end;
    }
    return values;
}

bool is_one_of(const std::string& value, const std::vector<std::string>& wanted) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

class Filter {
public:
    explicit Filter(const Request& request)
        : id_(request.asked("id")),
          name_(request.asked("name")),
          states_(repeated(request, "states")),
          snapshots_(repeated(request, "snapshots")),
          regions_(repeated(request, "regionIds")),
          errored_(request.asked("includeErroredDeleted") == "true") {
        if (!states_.empty() && is_one_of("destroyed", states_)) bad_request("states must not contain destroyed");
        const auto labels = request.asked("labels");
        if (labels.empty()) return;
        const auto read = Json::parse(labels, nullptr, false);
        if (!read.is_object()) bad_request("labels must be a JSON object");
        labels_ = read;
    }

    [[nodiscard]] bool takes(const Sandbox& sandbox) const {
        const bool dying_error = sandbox.desired_state == "destroyed" && !sandbox.error_reason.empty();
        if (dying_error && !errored_) return false;
        return begins_with(sandbox.id, id_) && begins_with(sandbox.name, name_) && is_one_of(sandbox.state, states_) &&
               is_one_of(sandbox.snapshot, snapshots_) && is_one_of(sandbox.target, regions_) && labels_fit(sandbox);
    }

private:
    [[nodiscard]] bool labels_fit(const Sandbox& sandbox) const {
        const auto items = labels_.items();
        return std::all_of(items.begin(), items.end(), [&](const auto& wanted) {
            const auto found = sandbox.labels.find(wanted.key());
            return found != sandbox.labels.end() && wanted.value() == found->second;
        });
    }

    std::string id_;
    std::string name_;
    std::vector<std::string> states_;
    std::vector<std::string> snapshots_;
    std::vector<std::string> regions_;
    bool errored_ = false;
    Json labels_ = Json::object();
};

void sort(Found& found, const Request& request) {
    const auto by = request.asked("sort", "lastActivityAt");
    const auto before = [&](const auto& left, const auto& right) {
        if (by == "name") return left->name < right->name;
        if (by == "cpu") return left->cpu < right->cpu;
        if (by == "memoryGib") return left->memory < right->memory;
        if (by == "diskGib") return left->disk_size < right->disk_size;
        if (by == "createdAt") return left->created_at < right->created_at;
        if (by == "lastActivityAt") return left->last_activity < right->last_activity;
        bad_request("sort cannot be " + by);
    };
    std::stable_sort(found.begin(), found.end(), before);
    if (request.asked("order", "desc") == "desc") std::reverse(found.begin(), found.end());
}

std::size_t number(const std::string& text, std::size_t least, std::size_t most, const char* name) {
    std::size_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value < least || value > most) {
        bad_request(std::string(name) + " must be a whole number from " + std::to_string(least) + " to " +
                    std::to_string(most));
    }
    return value;
}

Answer list(const Call& call) {
    const Filter filter(call.request);
    const Lock lock(call.world.mutex);
    Found found;
    for (const auto& [id, sandbox] : call.world.sandboxes) {
        if (filter.takes(*sandbox)) found.push_back(sandbox);
    }
    sort(found, call.request);
    auto limit = number(call.request.asked("limit", "100"), 1, 200, "limit");
    if (call.world.behaviour.page_items > 0) {
        limit = std::min(limit, static_cast<std::size_t>(call.world.behaviour.page_items));
    }
    const auto cursor = call.request.asked("cursor", "after-0");
    if (cursor.rfind("after-", 0) != 0) bad_request("cursor is not one of ours");
    auto first = std::min(number(cursor.substr(6), 0, found.size() + 1000, "cursor"), found.size());
    const auto end = std::min(first + limit, found.size());
    // Sorted by activity, things move between pages while somebody reads them.
    if (call.world.behaviour.list_repeats && first > 0) --first;
    Json page{{"items", Json::array()}, {"nextCursor", nullptr}};
    for (auto index = first; index < end; ++index) {
        page["items"].push_back(shape(call.world, *found[index], Detail::list_item));
    }
    if (end < found.size()) page["nextCursor"] = "after-" + std::to_string(end);
    return json_answer(page);
}

}  // namespace

std::optional<Answer> list_endpoint(const Call& call) {
    if (call.is("GET", {"sandbox"})) return list(call);
    return std::nullopt;
}

}  // namespace standin::daytona
