// See outbound_routes.hpp. The messages are put together before the child that enters the namespace is made.
#include "outbound_routes.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "detached.hpp"
#include "failure.hpp"
#include "outbound.hpp"

namespace berth_local {
namespace {

struct NewRoute {
    nlmsghdr header;
    rtmsg route;
    rtattr destination;
    std::uint32_t address;
};
static_assert(sizeof(NewRoute) == sizeof(nlmsghdr) + sizeof(rtmsg) + sizeof(rtattr) + 4, "as netlink lays it out");

NewRoute unreachable(const Block& block) {
    NewRoute message{};
    message.header.nlmsg_len = sizeof message;
    message.header.nlmsg_type = RTM_NEWROUTE;
    message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
    message.route.rtm_family = AF_INET;
    message.route.rtm_dst_len = block.bits;
    message.route.rtm_table = RT_TABLE_MAIN;
    message.route.rtm_protocol = RTPROT_STATIC;
    message.route.rtm_scope = RT_SCOPE_UNIVERSE;
    message.route.rtm_type = RTN_UNREACHABLE;
    message.destination.rta_len = RTA_LENGTH(sizeof message.address);
    message.destination.rta_type = RTA_DST;
    message.address = block.address;
    return message;
}

struct Plan {
    int user_namespace;
    int network_namespace;
    const std::vector<NewRoute>* routes;
};

// Sends one message and takes its answer: 0 or an errno.
int exchange(int socket, const NewRoute& message) {
    if (::send(socket, &message, sizeof message, 0) != static_cast<ssize_t>(sizeof message)) {
        return errno;
    }
    struct {
        nlmsghdr header;
        nlmsgerr error;
        char rest[512];
    } answer{};
    const ssize_t size = ::recv(socket, &answer, sizeof answer, 0);
    if (size < static_cast<ssize_t>(sizeof answer.header + sizeof answer.error.error) ||
        answer.header.nlmsg_type != NLMSG_ERROR) {
        return EPROTO;
    }
    return -answer.error.error;
}

// In a child: system calls only.
__attribute__((no_sanitize("address", "thread"))) int close_inside(const void* context) {
    const Plan& plan = *static_cast<const Plan*>(context);
    if (::setns(plan.user_namespace, CLONE_NEWUSER) != 0 || ::setns(plan.network_namespace, CLONE_NEWNET) != 0) {
        return errno;
    }
    // The network helper speaks no IPv6; without an address on its interface programs learn that at once. Where this
    // cannot be set they learn it by waiting.
    const int switch_file = ::open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
    if (switch_file >= 0) {
        [[maybe_unused]] const ssize_t size = ::write(switch_file, "1\n", 2);
        ::close(switch_file);
    }
    const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (socket < 0) {
        return errno;
    }
    int error = 0;
    for (const NewRoute& route : *plan.routes) {
        error = error != 0 ? error : exchange(socket, route);
    }
    ::close(socket);
    return error;
}

}  // namespace

std::vector<Block> blocks_of_this_machine() {
    std::vector<Block> blocks{{::htonl(0xA9FE0000), 16}};  // 169.254.0.0/16
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        throw system_failure("cannot list this machine's addresses", errno);
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        sockaddr_in address{};
        std::memcpy(&address, entry->ifa_addr, sizeof address);
        const std::uint32_t number = ::ntohl(address.sin_addr.s_addr);
        // 127.0.0.0/8 is the sandbox's own; what lies in the helper's network it does not pass on.
        const bool helpers = (number & outbound_mask) == outbound_network;
        if ((number >> 24) != 127 && !helpers) {
            blocks.push_back({address.sin_addr.s_addr, 32});
        }
    }
    return blocks;
}

void close_routes(const Descriptor& user_namespace, const Descriptor& network_namespace,
                  const std::vector<Block>& blocks) {
    std::vector<NewRoute> routes;
    routes.reserve(blocks.size());
    for (const Block& block : blocks) {
        routes.push_back(unreachable(block));
    }
    const Plan plan{user_namespace.get(), network_namespace.get(), &routes};
    if (const int error = in_child(close_inside, &plan); error != 0) {
        throw system_failure("cannot close routes in the sandbox's network", error);
    }
}

}  // namespace berth_local
