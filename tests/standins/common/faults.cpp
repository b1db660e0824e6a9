#include "faults.hpp"

#include <algorithm>
#include <set>

namespace standin {

namespace {

const std::set<std::string> known{"status",    "code",        "message", "body",        "headers",      "error",
                                  "perform",   "hang",        "close",   "reset",       "raw",          "garbage",
                                  "cut_after", "stall_after", "lines",   "chunk_bytes", "stop_session", "trickle"};

Json described(const Fault& fault) {
    return {{"number", fault.number}, {"method", fault.method},   {"path", fault.path},   {"what", fault.what},
            {"hits", fault.hits},     {"waiting", fault.waiting}, {"times", fault.times}, {"released", fault.released}};
}

bool matches(const Fault& fault, const Request& request) {
    if (!fault.method.empty() && fault.method != request.method) return false;
    if (!fault.path.empty() && !route_meets(request.path, fault.path)) return false;
    if (request.body.find(fault.body_has) == std::string::npos) return false;
    return std::all_of(fault.query.begin(), fault.query.end(), [&](const auto& wanted) {
        const auto found = request.query.find(wanted.first);
        return found != request.query.end() && found->second == wanted.second;
    });
}

}  // namespace

bool path_meets(std::string_view path, std::string_view pattern) {
    if (pattern.empty()) return path.empty();
    if (pattern.front() != '*') {
        return !path.empty() && path.front() == pattern.front() && path_meets(path.substr(1), pattern.substr(1));
    }
    const bool any = pattern.substr(0, 2) == "**";
    const auto rest = pattern.substr(any ? 2 : 1);
    for (std::size_t length = 0; length <= path.size(); ++length) {
        if (path_meets(path.substr(length), rest)) return true;
        if (length < path.size() && path[length] == '/' && !any) return false;
    }
    return false;
}

bool route_meets(std::string_view path, std::string_view pattern) {
    constexpr std::string_view prefix = "/api";
    if (path_meets(path, pattern)) return true;
    return path.substr(0, prefix.size()) == prefix && path_meets(path.substr(prefix.size()), pattern);
}

int Faults::add(const Json& wish) {
    auto fault = std::make_shared<Fault>();
    try {
        fault->method = wish.value("method", "");
        fault->path = wish.value("path", "");
        fault->query = wish.value("query", fault->query);
        fault->body_has = wish.value("body_has", "");
        fault->skip = wish.value("skip", 0);
        fault->times = wish.value("times", 1);
        fault->what = wish.at("what");
    } catch (const Json::exception& wrong) {
        throw Refusal(400, "bad_request", std::string("this fault is not understood: ") + wrong.what());
    }
    if (!fault->what.is_object()) throw Refusal(400, "bad_request", "a fault's `what` must be an object");
    for (const auto& [name, value] : fault->what.items()) {
        if (!known.contains(name)) throw Refusal(400, "bad_request", "there is no fault named " + name);
    }
    const std::lock_guard lock(mutex_);
    fault->number = ++last_;
    faults_.push_back(fault);
    return fault->number;
}

Met Faults::meet(const Request& request) {
    const std::lock_guard lock(mutex_);
    for (const auto& fault : faults_) {
        if (fault->times == 0 || !matches(*fault, request)) continue;
        if (fault->skip > 0) {
            --fault->skip;
            continue;
        }
        if (fault->times > 0) --fault->times;
        ++fault->hits;
        changed_.notify_all();
        return {fault, fault->what};
    }
    return {};
}

void Faults::wait_for_release(const Met& met) {
    std::unique_lock lock(mutex_);
    const auto& fault = met.fault();
    ++fault->waiting;
    changed_.notify_all();
    changed_.wait(lock, [&] { return fault->released || ended_; });
}

void Faults::release(int number) {
    const std::lock_guard lock(mutex_);
    for (const auto& fault : faults_) {
        if (number < 0 || fault->number == number) fault->released = true;
    }
    changed_.notify_all();
}

void Faults::clear() {
    const std::lock_guard lock(mutex_);
    for (const auto& fault : faults_) {
        fault->released = true;
    }
    faults_.clear();
    changed_.notify_all();
}

bool Faults::wait_for_hits(int number, int hits, int waiting, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    const auto found =
        std::find_if(faults_.begin(), faults_.end(), [&](const auto& one) { return one->number == number; });
    if (found == faults_.end()) throw Refusal(404, "not_found", "there is no fault " + std::to_string(number));
    const auto fault = *found;
    return changed_.wait_for(lock, patience,
                             [&] { return ended_ || (fault->hits >= hits && fault->waiting >= waiting); });
}

Json Faults::list() const {
    const std::lock_guard lock(mutex_);
    auto all = Json::array();
    for (const auto& fault : faults_) {
        all.push_back(described(*fault));
    }
    return all;
}

void Faults::end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

}  // namespace standin
