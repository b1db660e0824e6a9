// A connection whose request was answered with a WebSocket. Only http_server.cpp includes this. Knows no meaning of a
// message.
#pragma once

#define BOOST_ASIO_DISABLE_FENCED_BLOCK
#include <boost/beast/http.hpp>
#include <functional>

#include "message.hpp"

namespace standin {

/// Answers the upgrade and lets `talk` have the connection, which breaks off when that returns. `socket` stays open.
void talk_over(int socket, const boost::beast::http::request<boost::beast::http::string_body>& request,
               const std::function<void(Talk&)>& talk);

}  // namespace standin
