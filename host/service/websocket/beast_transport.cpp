// The module's door: one thread for all connections of a host, and nothing thrown across.
#include <pthread.h>

#include <csignal>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "../service_call.hpp"
#include "../socket_transport.hpp"
#include "beast.hpp"
#include "conversation.hpp"
#include "mailbox.hpp"

namespace berth::inline host_v1 {

namespace {

class MailboxConnection final : public SocketConnection {
public:
    MailboxConnection(std::shared_ptr<Mailbox> mailbox, std::shared_ptr<Conversation> conversation)
        : mailbox_(std::move(mailbox)), conversation_(std::move(conversation)) {}
    ~MailboxConnection() override {
        if (!said_goodbye_) conversation_->cut();
    }

    [[nodiscard]] SocketStep opened(const ServiceCall& call) noexcept override {
        return guarded([&] { return mailbox_->opened(call); });
    }
    [[nodiscard]] SocketStep send(const ServiceCall& call, SocketMessageKind kind,
                                  std::string_view bytes) noexcept override {
        return guarded([&] {
            const auto step = mailbox_->send(call, {kind, std::string(bytes)});
            if (step == SocketStep::done) conversation_->kick();
            return step;
        });
    }
    [[nodiscard]] SocketStep receive(const ServiceCall& call) noexcept override {
        return take(call, Mailbox::Waiting::yes);
    }
    [[nodiscard]] SocketStep try_receive(const ServiceCall& call) noexcept override {
        return take(call, Mailbox::Waiting::no);
    }
    [[nodiscard]] const SocketEvent& event() const noexcept override { return mailbox_->event(); }
    [[nodiscard]] const SocketFailure& failure() const noexcept override {
        return out_of_memory_ ? memory_failure_ : mailbox_->failure();
    }
    [[nodiscard]] int descriptor() noexcept override { return mailbox_->descriptor(); }
    void close(int code) noexcept override {
        (void)guarded([&] {
            mailbox_->close(code);
            conversation_->kick();
            said_goodbye_ = true;
            return SocketStep::done;
        });
    }
    void cancel() noexcept override { mailbox_->cancel(); }

private:
    template <typename Function>
    SocketStep guarded(Function&& function) noexcept {
        try {
            return function();
        } catch (const std::exception&) {
            out_of_memory_ = true;
            return SocketStep::failed;
        }
    }
    SocketStep take(const ServiceCall& call, Mailbox::Waiting waiting) noexcept {
        return guarded([&] {
            const auto step = mailbox_->receive(call, waiting);
            if (mailbox_->has_made_room()) conversation_->kick();
            return step;
        });
    }

    std::shared_ptr<Mailbox> mailbox_;
    std::shared_ptr<Conversation> conversation_;
    bool said_goodbye_ = false;
    bool out_of_memory_ = false;
    const SocketFailure memory_failure_{SocketFailure::Kind::unusable, {}, 0, {}};
};

class BeastTransport final : public SocketTransport {
public:
    explicit BeastTransport(const HttpTransportOptions& options)
        : options_(options), security_(asio::ssl::context::tls_client), work_(asio::make_work_guard(loop_)) {
        security_.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
        security_.set_verify_mode(asio::ssl::verify_peer);
        beast::error_code problem;
        if (options_.certificates.empty()) {
            security_.set_default_verify_paths(problem);
        } else {
            security_.load_verify_file(options_.certificates, problem);
        }
        if (problem) certificates_problem_ = problem.message();
        // The thread answers no signal of the program it lives in.
        sigset_t all;
        sigset_t before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            thread_ = std::thread([this] { run(); });
        } catch (...) {
            ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
            throw;
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    BeastTransport(const BeastTransport&) = delete;
    BeastTransport& operator=(const BeastTransport&) = delete;
    ~BeastTransport() override {
        // What says goodbye still may do so; what does not end by itself is left.
        work_.reset();
        asio::post(loop_, [this] { loop_.stop(); });
        thread_.join();
    }

    [[nodiscard]] std::unique_ptr<SocketConnection> start(SocketPlan plan) noexcept override {
        try {
            auto mailbox = std::make_shared<Mailbox>();
            const bool is_unusable = plan.security == SocketPlan::Security::tls && !certificates_problem_.empty();
            auto conversation = make_conversation({loop_, security_, options_}, std::move(plan), mailbox);
            if (is_unusable) {
                mailbox->failed({SocketFailure::Kind::unusable, certificates_problem_, 0, {}});
            } else {
                conversation->begin();
            }
            return std::make_unique<MailboxConnection>(std::move(mailbox), std::move(conversation));
        } catch (const std::exception&) {
            return nullptr;
        }
    }

private:
    /// A handler that runs out of memory must not end the thread: its connection is lost, the others are not.
    void run() noexcept {
        for (;;) {
            try {
                loop_.run();
                return;
            } catch (const std::exception&) {
                continue;
            }
        }
    }

    const HttpTransportOptions options_;
    asio::io_context loop_{1};
    asio::ssl::context security_;
    std::string certificates_problem_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::thread thread_;
};

}  // namespace

extern "C" SocketTransport* berth_make_socket_transport_2(const HttpTransportOptions& options) noexcept {
    try {
        return std::make_unique<BeastTransport>(options).release();
    } catch (const std::exception&) {
        return nullptr;
    }
}

}  // namespace berth::inline host_v1
