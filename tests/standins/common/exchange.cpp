#include "exchange.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "base64.hpp"
#include "reason.hpp"

namespace standin {

namespace {

bool replaces(const Met& met) {
    constexpr std::array names{"status", "code", "body", "hang", "close", "reset", "raw", "garbage"};
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return met.wants(name); });
}

Answer from_service(Stage& stage, const Request& request) {
    try {
        return stage.service.answer(request);
    } catch (const Refusal& refusal) {
        return stage.service.refused(refusal);
    } catch (const Json::exception& wrong) {
        return stage.service.refused(Refusal(400, "bad_request", wrong.what()));
    } catch (const std::exception& failure) {
        return stage.service.refused(
            Refusal(500, "internal_server_error", std::string("the stand-in failed: ") + failure.what()));
    }
}

/// The answer a fault has in the real one's place.
Answer asked_answer(const Stage& stage, const Met& met) {
    const auto status = met.has("status") ? met["status"].get<unsigned>() : 200U;
    if (met.has("body")) {
        const auto& body = met["body"];
        return body.is_string() ? Answer{status, {}, body.get<std::string>(), nullptr} : json_answer(body, status);
    }
    const auto code = met.has("code") ? met["code"].get<std::string>() : "internal_server_error";
    const auto message = met.has("message") ? met["message"].get<std::string>() : "Asked for by a test.";
    return stage.service.refused(Refusal(status, code, message, met.has("error") ? met["error"] : Json::object()));
}

void change_headers(Answer& answer, const Met& met) {
    if (!met.has("headers")) return;
    for (const auto& [name, value] : met["headers"].items()) {
        const auto same = [&wanted = name](const auto& header) { return header.first == wanted; };
        answer.headers.erase(std::remove_if(answer.headers.begin(), answer.headers.end(), same), answer.headers.end());
        if (value.is_string()) answer.headers.emplace_back(name, value.get<std::string>());
    }
}

std::string garbage(std::size_t length) {
    std::mt19937 numbers(7);
    std::string bytes(length, '\0');
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(numbers()); });
    return bytes;
}

/// Faults that put no answer on the wire. True: this was one.
bool ends_without_answer(Stage& stage, const Met& met, Wire& wire) {
    if (met.wants("hang")) {
        stage.faults.wait_for_release(met);
    } else if (met.wants("raw")) {
        const auto& raw = met["raw"];
        wire.send(raw.is_object() ? from_base64(raw.value("base64", "")).value_or("") : raw.get<std::string>());
    } else if (met.wants("garbage")) {
        wire.send(garbage(met["garbage"].get<std::size_t>()));
    } else if (met.wants("reset")) {
        wire.reset();
    } else if (!met.wants("close")) {
        return false;
    }
    wire.end();
    return true;
}

std::string head_of(const Answer& answer) {
    const bool has_body = answer.status != 204;
    auto head = "HTTP/1.1 " + std::to_string(answer.status) + " " + reason(answer.status) + "\r\n";
    for (const auto& [name, value] : answer.headers) {
        head += name + ": " + value + "\r\n";
    }
    if (answer.stream) return head + "transfer-encoding: chunked\r\n\r\n";
    if (has_body) head += "content-length: " + std::to_string(answer.body.size()) + "\r\n";
    return head + "\r\n";
}

std::string chunk(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string size;
    for (auto left = bytes.size(); left > 0; left /= 16) {
        size.insert(size.begin(), digits[left % 16]);
    }
    return size + "\r\n" + std::string(bytes) + "\r\n";
}

/// Sends the lines of a stream, and does what a fault wants after some of them.
class Lines {
public:
    Lines(Stage& stage, const Request& request, const Met& met, Wire& wire)
        : stage_(stage), request_(request), met_(met), wire_(wire) {
        if (met.has("lines")) fault_ = met["lines"];
    }

    bool send(const std::string& line) {
        if (sent_ == 0 && is_time() && !act()) return false;
        if (over_ || !wire_.send_body(chunk(line))) return false;
        ++sent_;
        // At once, and not only when there is a next line: a silent command has none.
        return !is_time() || act();
    }

    void finish() {
        // "after" more lines than there are means: instead of the end.
        if (fault_.is_object() && !over_ && !acted_) act();
        if (!wire_.ended()) wire_.send_body("0\r\n\r\n");
    }

private:
    [[nodiscard]] bool is_time() const { return fault_.is_object() && sent_ == fault_.value("after", 0); }

    /// False: nothing more of the real stream.
    bool act() {
        const auto then = fault_.value("then", "end");
        if (acted_) return true;
        acted_ = true;
        if (then == "text") return wire_.send_body(chunk(fault_.value("text", "")));
        if (then == "stop") {
            stage_.service.stop_under(request_);
            return true;
        }
        if (then == "stall") {
            stage_.faults.wait_for_release(met_);
            return true;
        }
        over_ = true;
        if (then == "error") {
            wire_.send_body(chunk(stage_.service.error_line(fault_.value("code", "sandbox_stream_closed"),
                                                            fault_.value("message", "The stream was closed."))));
        } else if (then == "close") {
            wire_.end();
        }
        return false;
    }

    Stage& stage_;
    const Request& request_;
    const Met& met_;
    Wire& wire_;
    Json fault_;
    int sent_ = 0;
    bool acted_ = false;
    bool over_ = false;
};

void put(Stage& stage, const Request& request, const Answer& answer, const Met& met, Wire& wire) {
    if (answer.talk) {
        wire.become(answer.talk);
        return;
    }
    if (!wire.send(head_of(answer))) return;
    wire.obey(met);
    if (!answer.stream) {
        wire.send_body(answer.body);
        return;
    }
    Lines lines(stage, request, met, wire);
    answer.stream([&](const std::string& line) { return lines.send(line); });
    lines.finish();
}

}  // namespace

void exchange(Stage& stage, Request& request, Wire& wire) {
    if (!request.segments.empty() && request.segments.front() == "_standin") {
        Answer answer;
        try {
            answer = control_answer(stage, request);
        } catch (const Refusal& refusal) {
            answer = stage.service.refused(refusal);
        }
        put(stage, request, answer, {}, wire);
        return;
    }
    const auto number = stage.records.add(request, stage.clock.now());
    const auto met = stage.faults.meet(request);
    if (met.wants("stop_session")) stage.service.stop_under(request);
    if (met.has("chunk_bytes")) request.chunk_bytes = met["chunk_bytes"].get<std::size_t>();
    Answer answer;
    if (!replaces(met) || met.wants("perform")) answer = from_service(stage, request);
    if (ends_without_answer(stage, met, wire)) return;
    if (replaces(met)) answer = asked_answer(stage, met);
    change_headers(answer, met);
    stage.records.answered(number, answer.talk ? 101 : answer.status);
    put(stage, request, answer, met, wire);
}

}  // namespace standin
