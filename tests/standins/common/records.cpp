#include "records.hpp"

#include <algorithm>

#include "base64.hpp"
#include "faults.hpp"

namespace standin {

namespace {

constexpr std::size_t kept_body = std::size_t{1} << 20U;

Json body_of(const Request& request) {
    Json record{{"body_length", request.body.size()}};
    if (request.body.size() <= kept_body) record["body_base64"] = base64(request.body);
    auto decoded = Json::parse(request.body, nullptr, false);
    if (!decoded.is_discarded()) record["json"] = std::move(decoded);
    return record;
}

}  // namespace

std::size_t Records::add(const Request& request, Milliseconds at) {
    auto record = body_of(request);
    record["at"] = at;
    record["method"] = request.method;
    record["target"] = request.target;
    record["path"] = request.path;
    record["query"] = request.query;
    record["headers"] = Json::array();
    for (const auto& [name, value] : request.headers) {
        // The credential is needed by no test, and a record may be printed.
        record["headers"].push_back(
            {name, name == "authorization" ? value.substr(0, value.find(' ')) + " ..." : value});
    }
    const std::lock_guard lock(mutex_);
    records_.push_back(std::move(record));
    changed_.notify_all();
    return first_ + records_.size() - 1;
}

void Records::answered(std::size_t number, unsigned status) {
    const std::lock_guard lock(mutex_);
    if (number >= first_ && number - first_ < records_.size()) records_[number - first_]["status"] = status;
}

Json Records::list() const {
    const std::lock_guard lock(mutex_);
    return records_;
}

void Records::clear() {
    const std::lock_guard lock(mutex_);
    first_ += records_.size();
    records_.clear();
}

std::size_t Records::matching(const std::string& method, const std::string& path) const {
    return static_cast<std::size_t>(std::count_if(records_.begin(), records_.end(), [&](const Json& record) {
        return (method.empty() || record["method"] == method) &&
               (path.empty() || route_meets(record["path"].get<std::string>(), path));
    }));
}

bool Records::wait_for(const std::string& method, const std::string& path, std::size_t count,
                       std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return ended_ || matching(method, path) >= count; });
}

void Records::end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

}  // namespace standin
