// A stand-in as a test has it: started on a port of its own, told which faults to make, asked what it was asked, and ended
// by its process id. When the test dies, the stand-in ends, too.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "raw_client.hpp"

namespace standin_test {

class StandIn {
public:
    /// Starts the program with these words and waits until it listens. Throws std::runtime_error.
    explicit StandIn(const std::string& program, std::vector<std::string> words = {});
    StandIn(const StandIn&) = delete;
    StandIn& operator=(const StandIn&) = delete;
    /// Ends it and waits; what it kept is gone.
    ~StandIn();

    /// What it says of itself: "api_url", "control_url", "token", "team_id" and so on.
    [[nodiscard]] const Json& about() const { return about_; }
    [[nodiscard]] std::string about(const std::string& name) const { return about_.at(name).get<std::string>(); }
    [[nodiscard]] std::string api_url() const { return about("api_url"); }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Lets its stdin end, with which it ends, too.
    void close_input() { input_.reset(); }
    /// Waits for its end, as long as any test should; its exit code, or nothing.
    [[nodiscard]] std::optional<int> exit_code();
    /// The processes below it, at any depth, its own aside.
    [[nodiscard]] std::vector<pid_t> descendants() const;

    /// Adds a fault, {"method", "path", "times", "skip", "what": {...}}, and gives its number.
    int fault(const Json& wish) const;
    /// The same for all of `what` alone, for requests with this method and path pattern.
    int fault(const std::string& method, const std::string& path, const Json& what) const;
    void clear_faults() const;
    /// Lets those go on who wait in this fault; -1: in any.
    void release(int number = -1) const;
    /// Until so many requests have met the fault, and so many of them stand in it.
    void wait_for_fault(int number, int hits, int waiting = 0) const;

    /// Every request since the start or since forget_requests, oldest first.
    [[nodiscard]] Json requests() const;
    /// Those with this method (or "") and path pattern.
    [[nodiscard]] std::vector<Json> requests(const std::string& method, const std::string& path) const;
    void forget_requests() const;
    void wait_for_requests(const std::string& method, const std::string& path, std::size_t count) const;

    /// What exists there, and under "bills" what would cost money.
    [[nodiscard]] Json state() const;
    /// Puts its time forward.
    void advance(std::int64_t milliseconds) const;
    /// Changes what the real service leaves open, such as {"holds": ["stopping"]}.
    void behave(const Json& change) const;

    /// A request to the control interface; throws std::runtime_error when it is refused.
    Json control(const std::string& method, const std::string& name, const Json& body = nullptr) const;

private:
    void start(const std::string& program, std::vector<std::string> words);

    pid_t pid_ = -1;
    berth::FileDescriptor input_;  ///< as long as we hold it, the stand-in lives
    std::uint16_t port_ = 0;
    Json about_;
};

/// The stand-in for Vercel Sandbox, and requests to it with its own credentials.
class VercelStandIn : public StandIn {
public:
    explicit VercelStandIn(std::vector<std::string> words = {});
    [[nodiscard]] static std::string program();

    /// A request as a well-behaved client makes it: `path` begins with "/v2" or "/v3"; the team is added to its query.
    [[nodiscard]] Reply call(const std::string& method, const std::string& path, const Json& body = nullptr) const;
    [[nodiscard]] Reply call_raw(const std::string& method, const std::string& path, const Headers& headers,
                                 const std::string& body) const;
    /// Sends it on a connection of its own, whose answer is the caller's.
    [[nodiscard]] RawClient begin(const std::string& method, const std::string& path, const Json& body = nullptr) const;
    [[nodiscard]] std::string target(const std::string& path) const;
    [[nodiscard]] Headers headers() const;
};

/// The stand-in for Daytona, and requests to both of its bases with its own key.
class DaytonaStandIn : public StandIn {
public:
    explicit DaytonaStandIn(std::vector<std::string> words = {});
    [[nodiscard]] static std::string program();

    /// A request as a well-behaved client makes it: `path` begins with "/sandbox" and so on.
    [[nodiscard]] Reply call(const std::string& method, const std::string& path, const Json& body = nullptr) const;
    /// The same to the toolbox of the sandbox with this id.
    [[nodiscard]] Reply toolbox(const std::string& id, const std::string& method, const std::string& path,
                                const Json& body = nullptr) const;
    [[nodiscard]] std::uint16_t toolbox_port() const;
    [[nodiscard]] static std::string toolbox_target(const std::string& id, const std::string& path);
    /// With a version that makes logs come in two streams.
    [[nodiscard]] Headers headers() const;
};

}  // namespace standin_test
