// What of a request no person may read, told to those who mask. Knows no connection.
#pragma once

#include <berth/plugin.h>

#include <string>
#include <string_view>

#include "known_secrets.hpp"

namespace berth::inline host_v1 {

/// Remembers the values of headers that are marked secret or are known to hold one; of "Bearer TOKEN" the token, too.
/// Says how many there are.
std::size_t remember_secrets(KnownSecrets& secrets, const berth_http_request* request);

/// Remembers the name and password in a proxy's address.
void remember_proxy(KnownSecrets& secrets, std::string_view proxy);

}  // namespace berth::inline host_v1
