// One request between two sides: the plugin's thread, which writes and reads, and whoever moves requests, which may be the
// same thread while it waits. Bounded buffers in both directions; whoever is ahead waits. Knows no library.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "../call_wait.hpp"
#include "../http_transport.hpp"
#include "mover.hpp"

namespace berth::inline host_v1 {

class ServiceCall;

class Channel {
public:
    /// So many bytes wait in each direction before the faster side has to.
    static constexpr std::size_t most_waiting = std::size_t{256} << 10U;

    /// `mover` outlives every wait.
    Channel(HttpRequestPlan plan, Mover& mover) : plan_(std::move(plan)), mover_(mover) {}
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    [[nodiscard]] const HttpRequestPlan& plan() const noexcept { return plan_; }

    // --- the transport's side ---

    /// What the transport has to do after something changed.
    struct Wishes {
        bool cut = false;      ///< the plugin closed it, or a cancel cuts it
        bool send = false;     ///< there is something to send again
        bool receive = false;  ///< there is room again
    };
    [[nodiscard]] Wishes take_wishes();
    [[nodiscard]] bool has_ended() const;
    /// Just before a request leaves. False: it must not, for it was cancelled.
    [[nodiscard]] bool begin_sending();
    [[nodiscard]] bool was_sent() const;
    [[nodiscard]] bool is_cancelled() const;
    /// It is certain that nothing of it has left: the next attempt is like the first.
    void nothing_sent();
    /// Moves what waits into `bytes`, which is empty. Nothing moved: the end of the body; not written yet, when `send`
    /// will be wished; or the answer has come, and nobody writes the rest.
    enum class Outgoing { some, none_yet, all, unwanted };
    [[nodiscard]] Outgoing take_outgoing(std::string& bytes);
    /// Who waits for these two hears of them with tell(), or with the end: of all that came at once in one go, since
    /// waking somebody costs more than most of what there is to tell.
    void answered(HttpAnswerHead head);
    /// False: there is no room; offer it again when `receive` is wished.
    [[nodiscard]] bool offer(std::string_view bytes);
    void tell();
    void completed();
    void failed(HttpFailure failure);
    /// The lead is free: who waits here takes it.
    void call();

    // --- the plugin's side; those with a call wait ---

    [[nodiscard]] HttpStep write(const ServiceCall& call, std::string_view& bytes);  ///< `again`: a part was taken
    [[nodiscard]] HttpStep finish(const ServiceCall& call);
    [[nodiscard]] HttpStep head(const ServiceCall& call);
    enum class Waiting { no, yes };
    /// Moves what has come into `bytes`, which is empty.
    [[nodiscard]] HttpStep take_incoming(const ServiceCall& call, Waiting waiting, std::string& bytes);
    /// The plugin holds bytes that it has not read: the descriptor has to be readable for them, too.
    void leftover(bool there);
    [[nodiscard]] int descriptor();
    void cancel();
    void close();
    /// Whether the transport has to be told; the question takes the answer back.
    [[nodiscard]] bool take_news();

    [[nodiscard]] const HttpAnswerHead& answer() const noexcept { return *head_; }  ///< after head() was `done`
    [[nodiscard]] const HttpFailure& failure() const noexcept { return failure_; }  ///< after `failed`

private:
    enum class Ending { none, complete, failed };
    using Lock = CallWait::Lock;

    using Time = std::optional<std::chrono::steady_clock::time_point>;

    [[nodiscard]] std::optional<HttpStep> stopped(const ServiceCall& call, Lock& lock);
    template <typename Ready>
    [[nodiscard]] std::optional<HttpStep> wait(const ServiceCall& call, Lock& lock, Ready&& ready);
    template <typename Woken>
    void sleep(Lock& lock, Time until, Woken&& woken);
    void wake() noexcept;
    [[nodiscard]] HttpStep ended() const noexcept {
        return ending_ == Ending::complete ? HttpStep::end : HttpStep::failed;
    }
    void end(Ending ending);
    void fail(HttpFailure failure);
    void abandon(HttpFailure::Kind kind);
    [[nodiscard]] bool is_cut() const noexcept {
        return closed_ || abandoned_ || (cancelled_ && (plan_.cancel == HttpRequestPlan::Cancel::cuts || !sent_));
    }
    [[nodiscard]] bool is_readable() const noexcept {
        return leftover_ || !incoming_.empty() || ending_ != Ending::none;
    }

    const HttpRequestPlan plan_;
    Mover& mover_;
    mutable std::mutex mutex_;
    CallWait waiting_;
    bool leads_ = false;   ///< who waits here moves requests meanwhile
    bool called_ = false;  ///< and is to try to
    ReadinessEvent event_;

    std::string outgoing_;
    std::uint64_t written_ = 0;
    bool finished_ = false;
    bool sender_waits_ = false;  ///< the transport found nothing to send

    std::optional<HttpAnswerHead> head_;
    std::string incoming_;
    bool receiver_waits_ = false;  ///< the transport found no room
    bool leftover_ = false;
    Ending ending_ = Ending::none;
    HttpFailure failure_;

    bool sent_ = false;
    bool cancelled_ = false;
    bool closed_ = false;
    bool abandoned_ = false;  ///< the plugin broke what it had announced: nothing of it is to go on
    bool news_ = false;
};

}  // namespace berth::inline host_v1
