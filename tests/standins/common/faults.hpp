// Faults that a test asks for: which request meets which, how often, and who waits until it is released. Knows no HTTP
// and no vendor.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "message.hpp"

namespace standin {

/// One fault as asked for. README.md beside this file lists the members of `what`.
struct Fault {
    int number = 0;
    std::string method;                        ///< empty: any
    std::string path;                          ///< '*' is anything within a segment, "**" anything; empty: any
    std::map<std::string, std::string> query;  ///< all of these
    std::string body_has;                      ///< a text in the request's body
    int skip = 0;                              ///< so many matching requests go free first
    int times = 1;                             ///< so many meet it; -1: all
    Json what;
    int hits = 0;
    bool released = false;
    /// Hits that have come to where they wait.
    int waiting = 0;
};

/// The fault that one request met.
class Met {
public:
    Met() = default;
    Met(std::shared_ptr<Fault> fault, Json what) : fault_(std::move(fault)), what_(std::move(what)) {}
    [[nodiscard]] explicit operator bool() const { return fault_ != nullptr; }
    [[nodiscard]] bool has(const char* name) const { return what_.is_object() && what_.contains(name); }
    [[nodiscard]] bool wants(const char* name) const { return has(name) && what_[name] != false; }
    [[nodiscard]] const Json& operator[](const char* name) const { return what_.at(name); }
    [[nodiscard]] const std::shared_ptr<Fault>& fault() const { return fault_; }

private:
    std::shared_ptr<Fault> fault_;
    Json what_;
};

class Faults {
public:
    /// Takes the JSON of the control interface; throws Refusal when it is not understood.
    [[nodiscard]] int add(const Json& wish);
    [[nodiscard]] Met meet(const Request& request);
    /// Until released; at once when everything ends.
    void wait_for_release(const Met& met);
    /// -1: all.
    void release(int number);
    /// Forgets all and releases those who wait.
    void clear();
    /// Until so many have met fault `number` (with `waiting`: stand and wait in it). False: not within `patience`.
    [[nodiscard]] bool wait_for_hits(int number, int hits, int waiting, std::chrono::milliseconds patience);
    [[nodiscard]] Json list() const;
    /// For the end of the program: nobody waits any more.
    void end();

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::list<std::shared_ptr<Fault>> faults_;
    int last_ = 0;
    bool ended_ = false;
};

/// Whether a path meets a pattern with '*' and "**".
[[nodiscard]] bool path_meets(std::string_view path, std::string_view pattern);

/// The same for the path of a request, whose "/api" a pattern may leave out.
[[nodiscard]] bool route_meets(std::string_view path, std::string_view pattern);

}  // namespace standin
