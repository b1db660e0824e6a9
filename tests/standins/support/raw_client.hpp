// A small blocking HTTP/1.1 client that hides nothing: what came is what it gives, broken or not. Knows no vendor.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"

namespace standin_test {

using Json = nlohmann::json;
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Reply {
    unsigned status = 0;                         ///< 0: nothing that is HTTP
    std::map<std::string, std::string> headers;  ///< names in small letters
    std::string body;                            ///< without chunk framing
    std::string raw;                             ///< when status is 0
    bool complete = false;                       ///< its framing came to an end

    [[nodiscard]] std::string header(const std::string& name) const;
    /// The body as JSON; null when it is none.
    [[nodiscard]] Json json() const;
    /// Each line of the body as JSON.
    [[nodiscard]] std::vector<Json> lines() const;
    /// error.code of the body, or "".
    [[nodiscard]] std::string code() const;
};

/// One connection to 127.0.0.1.
class RawClient {
public:
    /// Throws std::system_error when nobody listens.
    explicit RawClient(std::uint16_t port);

    /// Sends a request; content-length comes by itself for a body or a POST.
    void send(const std::string& method, const std::string& target, const Headers& headers, std::string_view body);
    void send_raw(std::string_view bytes);
    [[nodiscard]] Reply receive();
    /// The head first, then pieces of a streamed body as they come; "" at its end.
    [[nodiscard]] Reply receive_head();
    [[nodiscard]] std::string receive_piece();
    /// How many bytes of a body come before the connection is silent: reads exactly so many.
    [[nodiscard]] std::string receive_bytes(std::size_t count);
    [[nodiscard]] bool is_open();

private:
    bool fill();
    [[nodiscard]] bool until(std::string_view mark, std::string& text);
    void read_chunked(Reply& reply);

    berth::FileDescriptor socket_;
    std::string buffer_;
};

}  // namespace standin_test
