// The module's door: a transport over the loop, transfers over channels, and nothing thrown across.
#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "../http_transport.hpp"
#include "../service_call.hpp"
#include "channel.hpp"
#include "curl.hpp"
#include "curl_loop.hpp"

namespace berth::inline host_v1 {

namespace {

class ChannelTransfer final : public HttpTransfer {
public:
    ChannelTransfer(CurlLoop& loop, HttpRequestPlan plan)
        : loop_(loop), channel_(std::make_shared<Channel>(std::move(plan), loop)) {
        loop_.look_at(channel_);
    }
    ~ChannelTransfer() override {
        channel_->close();
        pass_on();
    }

    [[nodiscard]] HttpStep write(const ServiceCall& call, std::string_view bytes) noexcept override {
        return guarded([&] {
            HttpStep step = HttpStep::done;
            do {
                step = channel_->write(call, bytes);
                pass_on();
            } while (step == HttpStep::again);
            return step;
        });
    }

    [[nodiscard]] HttpStep finish(const ServiceCall& call) noexcept override {
        return passed_on([&] { return channel_->finish(call); });
    }

    [[nodiscard]] HttpStep head(const ServiceCall& call) noexcept override {
        return passed_on([&] { return channel_->head(call); });
    }

    [[nodiscard]] HttpStep read(const ServiceCall& call, void* buffer, std::uint64_t capacity,
                                std::uint64_t* got) noexcept override {
        return take(call, Channel::Waiting::yes, buffer, capacity, got);
    }

    [[nodiscard]] HttpStep try_read(const ServiceCall& call, void* buffer, std::uint64_t capacity,
                                    std::uint64_t* got) noexcept override {
        return take(call, Channel::Waiting::no, buffer, capacity, got);
    }

    [[nodiscard]] int descriptor() noexcept override {
        loop_.see_to_it();
        return channel_->descriptor();
    }

    void cancel() noexcept override {
        channel_->cancel();
        try {
            if (channel_->take_news()) loop_.leave_word(channel_);
        } catch (const std::bad_alloc&) {
            return;  // who waits hears of it all the same
        }
    }

    [[nodiscard]] const HttpAnswerHead& answer() const noexcept override { return channel_->answer(); }
    [[nodiscard]] const HttpFailure& failure() const noexcept override {
        return out_of_memory_ ? memory_failure_ : channel_->failure();
    }

private:
    template <typename Function>
    HttpStep guarded(Function&& function) noexcept {
        try {
            return function();
        } catch (const std::bad_alloc&) {
            out_of_memory_ = true;
            return HttpStep::failed;
        }
    }

    template <typename Function>
    HttpStep passed_on(Function&& function) noexcept {
        return guarded([&] {
            const auto step = function();
            pass_on();
            return step;
        });
    }

    /// Does what changed. Without memory for that it is done with the next thing that happens.
    void pass_on() noexcept {
        try {
            if (channel_->take_news()) loop_.look_at(channel_);
        } catch (const std::bad_alloc&) {
            out_of_memory_ = true;
        }
    }

    HttpStep take(const ServiceCall& call, Channel::Waiting waiting, void* buffer, std::uint64_t capacity,
                  std::uint64_t* got) noexcept {
        return guarded([&] {
            if (given_ == taken_.size()) {
                taken_.clear();
                given_ = 0;
                auto step = channel_->take_incoming(call, waiting, taken_);
                if (step == HttpStep::again && loop_.glance()) step = channel_->take_incoming(call, waiting, taken_);
                pass_on();
                if (step != HttpStep::done) return step;
            } else if (call.stopped() && channel_->plan().cancel == HttpRequestPlan::Cancel::cuts) {
                return HttpStep::given_up;
            }
            const auto length = std::min<std::uint64_t>(capacity, taken_.size() - given_);
            std::memcpy(buffer, taken_.data() + given_, static_cast<std::size_t>(length));
            given_ += static_cast<std::size_t>(length);
            if (given_ == taken_.size()) channel_->leftover(false);
            *got = length;
            return HttpStep::done;
        });
    }

    CurlLoop& loop_;
    std::shared_ptr<Channel> channel_;
    std::string taken_;
    std::size_t given_ = 0;
    bool out_of_memory_ = false;
    const HttpFailure memory_failure_{HttpFailure::Kind::unusable, HttpFailure::Sent::maybe, {}, 1};
};

class CurlTransport final : public HttpTransport {
public:
    explicit CurlTransport(const HttpTransportOptions& options) : loop_(options) {}

    [[nodiscard]] std::unique_ptr<HttpTransfer> start(HttpRequestPlan plan) noexcept override {
        try {
            return std::make_unique<ChannelTransfer>(loop_, std::move(plan));
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
    }

private:
    CurlLoop loop_;
};

}  // namespace

extern "C" HttpTransport* berth_make_http_transport_1(const HttpTransportOptions& options) noexcept {
    // Once for the process, and never undone: the module stays loaded.
    static const bool is_ready = ::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    if (!is_ready) return nullptr;
    try {
        return std::make_unique<CurlTransport>(options).release();
    } catch (const std::exception&) {
        return nullptr;
    }
}

}  // namespace berth::inline host_v1
