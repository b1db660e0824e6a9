#include "carrier.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace berth::inline host_v1 {

boost::system::error_code make_socket(Carrier& carrier, const asio::generic::stream_protocol::endpoint& endpoint) {
    boost::system::error_code error;
    const auto protocol = endpoint.protocol();
    const int raw = ::socket(protocol.family(), protocol.type() | SOCK_CLOEXEC, protocol.protocol());
    if (raw < 0) {
        error.assign(errno, boost::system::system_category());
        return error;
    }
    carrier.assign(protocol, raw, error);
    if (error) ::close(raw);
    return error;
}

bool expect_name(SecureCarrier& stream, const std::string& name) {
    stream.set_verify_callback(asio::ssl::host_name_verification(name));
    boost::system::error_code is_no_address;
    asio::ip::make_address(name, is_no_address);
    if (!is_no_address) return true;  // an address has no name to ask for
    // The library's own macro is a cast of C.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): it is copied there
    void* const text = const_cast<char*>(name.c_str());
    return SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, text) == 1;
}

}  // namespace berth::inline host_v1
