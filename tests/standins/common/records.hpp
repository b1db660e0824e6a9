// Every request as it came, for tests that ask what a client really sent. Knows no vendor.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "clock.hpp"
#include "message.hpp"

namespace standin {

class Records {
public:
    /// The number of the record.
    std::size_t add(const Request& request, Milliseconds at);
    /// What it was answered with, when that is known.
    void answered(std::size_t number, unsigned status);
    [[nodiscard]] Json list() const;
    void clear();
    /// Until so many requests with this method and path pattern (empty: any) came. False: not within `patience`.
    [[nodiscard]] bool wait_for(const std::string& method, const std::string& path, std::size_t count,
                                std::chrono::milliseconds patience);
    void end();

private:
    /// The request as it came, put into words only for who asks: that would cost more than many an answer.
    struct Record {
        Request request;  ///< without a body that is too large to be kept
        std::size_t body_length = 0;
        Milliseconds at = 0;
        unsigned status = 0;  ///< 0: not answered yet
    };
    [[nodiscard]] static Json shape(const Record& record);
    [[nodiscard]] std::size_t matching(const std::string& method, const std::string& path) const;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Record> records_;
    std::size_t first_ = 1;
    bool ended_ = false;
};

}  // namespace standin
