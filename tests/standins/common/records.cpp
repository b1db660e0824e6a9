#include "records.hpp"

#include <algorithm>

#include "base64.hpp"
#include "faults.hpp"

namespace standin {

namespace {

constexpr std::size_t kept_body = std::size_t{1} << 20U;

}  // namespace

std::size_t Records::add(const Request& request, Milliseconds at) {
    Record record{{}, request.body.size(), at};
    if (request.body.size() <= kept_body) {
        record.request = request;
    } else {
        auto& kept = record.request;
        kept.method = request.method;
        kept.target = request.target;
        kept.path = request.path;
        kept.query = request.query;
        kept.headers = request.headers;
    }
    const std::lock_guard lock(mutex_);
    records_.push_back(std::move(record));
    changed_.notify_all();
    return first_ + records_.size() - 1;
}

void Records::answered(std::size_t number, unsigned status) {
    const std::lock_guard lock(mutex_);
    if (number >= first_ && number - first_ < records_.size()) records_[number - first_].status = status;
}

Json Records::shape(const Record& record) {
    const auto& request = record.request;
    Json shape{{"at", record.at},
               {"method", request.method},
               {"target", request.target},
               {"path", request.path},
               {"query", request.query},
               {"headers", Json::array()},
               {"body_length", record.body_length}};
    for (const auto& [name, value] : request.headers) {
        // The credential is needed by no test, and a record may be printed.
        shape["headers"].push_back({name, name == "authorization" ? value.substr(0, value.find(' ')) + " ..." : value});
    }
    if (record.body_length <= kept_body) shape["body_base64"] = base64(request.body);
    auto decoded = Json::parse(request.body, nullptr, false);
    if (!decoded.is_discarded()) shape["json"] = std::move(decoded);
    if (record.status != 0) shape["status"] = record.status;
    return shape;
}

Json Records::list() const {
    const std::lock_guard lock(mutex_);
    auto all = Json::array();
    for (const auto& record : records_) {
        all.push_back(shape(record));
    }
    return all;
}

void Records::clear() {
    const std::lock_guard lock(mutex_);
    first_ += records_.size();
    records_.clear();
}

std::size_t Records::matching(const std::string& method, const std::string& path) const {
    return static_cast<std::size_t>(std::count_if(records_.begin(), records_.end(), [&](const Record& record) {
        return (method.empty() || record.request.method == method) &&
               (path.empty() || route_meets(record.request.path, path));
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
