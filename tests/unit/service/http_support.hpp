// What the tests of the http service share: a call of a plugin with the host's services, and requests in short.
#pragma once

#include <berth/plugin.h>
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "provider/c_call.hpp"
#include "service/host_services.hpp"
#include "tests/support/scripted_server.hpp"

namespace berth_test {

using namespace berth;
using namespace std::chrono_literals;

inline berth_str text(std::string_view view) {
    return {view.data() == nullptr ? "" : view.data(), view.size()};
}
inline berth_bytes bytes(std::string_view view) {
    return {reinterpret_cast<const std::uint8_t*>(view.data()), view.size()};
}

/// The services of one provider, and what they logged.
class Services {
public:
    explicit Services(HttpConfiguration http = {}, EnvironmentVariables variables = {})
        : access(std::make_shared<HttpAccess>(BERTH_SERVICE_DIRECTORY, std::move(http), std::move(variables))),
          log(std::make_shared<Log>(LogLevel::trace,
                                    [this](LogLevel, std::string_view line) {
                                        const std::lock_guard lock(mutex_);
                                        lines_ += std::string(line) + "\n";
                                    })),
          services("acme", {}, {}, log, {}, access) {}
    [[nodiscard]] const berth_http& http() const { return *services.face()->http; }
    [[nodiscard]] std::string lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    mutable std::mutex mutex_;
    std::string lines_;

public:
    std::shared_ptr<HttpAccess> access;
    std::shared_ptr<Log> log;
    HostServices services;
};

/// A method that runs: what a plugin would do stands in the test.
struct Running {
    explicit Running(Services& with, std::optional<Call::Clock::time_point> deadline = {},
                     Milliseconds cleanup_cap = 10s)
        : services(with),
          call({.method = "get", .deadline = deadline, .cleanup_cap = cleanup_cap}),
          face(call, *with.log) {}
    [[nodiscard]] berth_call* raw() { return face.face(); }
    /// What the last failing service recorded.
    [[nodiscard]] Error error() {
        auto records = face.take_records();
        REQUIRE(records.passed);
        return records.passed->error;
    }
    [[nodiscard]] std::string breach() {
        auto records = face.take_records();
        REQUIRE(records.breach);
        return records.breach->what();
    }

    Services& services;
    Call call;
    CCall face;
};

struct Header {
    std::string_view name;
    std::string_view value;
    std::uint32_t flags = 0;
};

/// A request in short; `raw` may be changed before it is opened.
class Request {
public:
    Request(std::string_view method, std::string url, std::vector<Header> headers = {})
        : url_(std::move(url)), headers_(std::move(headers)) {
        raw.size = sizeof raw;
        raw.method = text(method);
        raw.url = text(url_);
        for (const auto& header : headers_)
            pairs_.push_back({text(header.name), text(header.value), header.flags});
        raw.headers = {pairs_.data(), pairs_.size()};
    }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    Request& body(std::string_view content) {
        raw.body = bytes(content);
        return *this;
    }
    Request& flags(std::uint32_t value) {
        raw.flags = value;
        return *this;
    }

    berth_http_request raw{};

private:
    std::string url_;
    std::vector<Header> headers_;
    std::vector<berth_pair> pairs_;
};

/// An exchange that is open.
class Exchange {
public:
    Exchange(Running& running, const Request& request) : http_(running.services.http()) {
        opened = http_.open(running.services.services.face(), running.raw(), &request.raw, &raw_);
    }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    /// The head's status, or the negative number of the failure.
    int head() {
        berth_http_head head{};
        head.size = sizeof head;
        result = http_.head(raw_, &head);
        if (result != BERTH_OK) return -static_cast<int>(result);
        for (std::uint64_t index = 0; index < head.headers.count; ++index) {
            const auto& pair = head.headers.data[index];
            headers.emplace_back(std::string(pair.name.data, pair.name.size),
                                 std::string(pair.value.data, pair.value.size));
        }
        retry_after = head.retry_after_ms.present != 0 ? head.retry_after_ms.value : -1;
        return head.status;
    }
    /// The rest of the body; `result` says how it ended.
    std::string rest() {
        std::string all;
        std::vector<char> buffer(50'000);
        std::uint64_t got = 0;
        while ((result = http_.read(raw_, buffer.data(), buffer.size(), &got)) == BERTH_OK)
            all.append(buffer.data(), got);
        return all;
    }
    berth_status write(std::string_view part) { return http_.write(raw_, bytes(part)); }
    berth_status finish() { return http_.finish(raw_); }
    berth_status try_read(std::string& into) {
        char buffer[4096];
        std::uint64_t got = 0;
        const auto status = http_.try_read(raw_, buffer, sizeof buffer, &got);
        into.append(buffer, got);
        return status;
    }
    [[nodiscard]] int descriptor() const { return http_.fd(raw_); }
    void close() { http_.close(raw_); }
    [[nodiscard]] berth_exchange* raw() const noexcept { return raw_; }

    berth_status opened = BERTH_OK;
    berth_status result = BERTH_OK;
    std::vector<std::pair<std::string, std::string>> headers;
    std::int64_t retry_after = -1;

private:
    const berth_http& http_;
    berth_exchange* raw_ = nullptr;
};

/// A flag that one thread waits for and another raises.
class Signal {
public:
    void raise() {
        {
            const std::lock_guard lock(mutex_);
            raised_ = true;
        }
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return raised_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool raised_ = false;
};

}  // namespace berth_test
