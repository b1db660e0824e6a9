// What comes in and what goes out, without the bytes of HTTP: a request as endpoints read it, and their answer. Knows
// no socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace standin {

using Json = nlohmann::json;
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
    std::string method;
    std::string target;                        ///< as it came, with the query
    std::string path;                          ///< without the query, not decoded
    std::vector<std::string> segments;         ///< of the path, decoded
    std::map<std::string, std::string> query;  ///< decoded; the last one wins
    Headers headers;                           ///< names in small letters
    std::string body;
    /// A fault: output goes out in pieces of so many bytes, wherever that cuts. 0: as it comes.
    std::size_t chunk_bytes = 0;

    /// The first of this name (small letters), or "".
    [[nodiscard]] std::string header(std::string_view name) const;
    [[nodiscard]] bool has_header(std::string_view name) const;
    /// The query's value, or `otherwise`.
    [[nodiscard]] std::string asked(const std::string& name, const std::string& otherwise = "") const;
};

/// Fills path, segments and query from the target.
void read_target(Request& request);

/// A WebSocket as whoever answers with one sees it: messages out, and what the other side does.
class Talk {
public:
    Talk() = default;
    Talk(const Talk&) = delete;
    Talk& operator=(const Talk&) = delete;
    virtual ~Talk() = default;
    /// Binary messages of so many bytes, one after the other. False: the other side is gone.
    virtual bool send(std::string_view bytes, std::size_t each) = 0;
    /// Answers pings and takes messages for so long. False: the other side is gone.
    virtual bool listen(std::chrono::milliseconds how_long) = 0;
    /// With this code; waits for the other side's answer for a moment.
    virtual void close(unsigned code) = 0;
    /// What the other side sent since the last call.
    [[nodiscard]] virtual std::vector<std::string> received() = 0;
    /// One text message.
    virtual bool send_text(std::string_view text) = 0;
};

/// The lines of a streamed answer. False: nobody listens any more.
using SendLine = std::function<bool(const std::string& line)>;

struct Answer {
    unsigned status = 200;
    Headers headers;
    std::string body;
    /// Set: the body comes from here, piece by piece, and `body` is not used.
    std::function<void(const SendLine&)> stream;
    /// Set: the request becomes a WebSocket, and this talks over it. Without a close before it returns, it breaks off.
    std::function<void(Talk&)> talk = nullptr;
};

[[nodiscard]] Answer json_answer(const Json& body, unsigned status = 200);

/// What an endpoint refuses, to be thrown by it.
class Refusal : public std::runtime_error {
public:
    Refusal(unsigned status, std::string code, const std::string& message, Json more = Json::object())
        : std::runtime_error(message), status_(status), code_(std::move(code)), more_(std::move(more)) {}
    [[nodiscard]] unsigned status() const { return status_; }
    [[nodiscard]] const std::string& code() const { return code_; }
    /// Further members of the error object.
    [[nodiscard]] const Json& more() const { return more_; }

private:
    unsigned status_;
    std::string code_;
    Json more_;
};

/// JSON as text; what is not UTF-8 becomes U+FFFD, as it does in the real services.
[[nodiscard]] std::string text_of(const Json& value);

}  // namespace standin
