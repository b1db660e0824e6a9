// The one room that uses spdlog.
#include "log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <mutex>
#include <string>
#include <utility>

#include "../base/text.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::string_view cut_mark = "... (cut)";

spdlog::level::level_enum library_level(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::trace:
            return spdlog::level::trace;
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

LogLevel level_of(spdlog::level::level_enum level) noexcept {
    switch (level) {
        case spdlog::level::trace:
            return LogLevel::trace;
        case spdlog::level::debug:
            return LogLevel::debug;
        case spdlog::level::warn:
            return LogLevel::warning;
        case spdlog::level::err:
        case spdlog::level::critical:
            return LogLevel::error;
        default:
            return LogLevel::info;
    }
}

/// Hands lines to a function instead of a file.
class HandlerSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit HandlerSink(Log::Handler handler) : handler_(std::move(handler)) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (handler_) handler_(level_of(message.level), {message.payload.data(), message.payload.size()});
    }
    void flush_() override {}

private:
    Log::Handler handler_;
};

/// Cut to a bearable length, never inside a character.
std::string_view shortened(std::string_view message) noexcept {
    if (message.size() <= Log::longest_message) return message;
    message = message.substr(0, Log::longest_message);
    return message.substr(0, message.size() - broken_utf8_suffix(message));
}

}  // namespace

class Log::Writer {
public:
    Writer(LogLevel least, spdlog::sink_ptr sink) : logger_("berth", std::move(sink)) {
        logger_.set_level(library_level(least));
        logger_.flush_on(spdlog::level::trace);
        // The library's own answer to a failure is to print to stderr, which may be what failed.
        logger_.set_error_handler([](const std::string&) {});
    }

    [[nodiscard]] bool wants(LogLevel level) const noexcept { return logger_.should_log(library_level(level)); }

    void write(LogLevel level, const std::string& line) {
        logger_.log(library_level(level), spdlog::string_view_t(line));
    }

private:
    spdlog::logger logger_;
};

Log::Log(LogLevel least, Handler handler)
    : writer_(std::make_unique<Writer>(least, std::make_shared<HandlerSink>(std::move(handler)))) {}

Log::Log(LogLevel least) {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_pattern("%H:%M:%S.%e %l %v");
    writer_ = std::make_unique<Writer>(least, std::move(sink));
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view source, std::string_view message) noexcept {
    try {
        if (!writer_->wants(level)) return;
        std::string line;
        if (!source.empty()) line = printable(source) + ": ";
        // Masked before it is cut or made printable: either could leave half a secret that is not recognised.
        const auto safe = secrets_.mask(message);
        const auto shown = shortened(safe);
        line += printable(shown);
        if (shown.size() < safe.size()) line += cut_mark;
        writer_->write(level, line);
    } catch (...) {
        // Out of memory, or a handler that throws: there is nobody left to tell.
        return;
    }
}

}  // namespace berth::inline host_v1
