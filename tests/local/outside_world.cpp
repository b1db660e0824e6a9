// See outside_world.hpp. Servers are children that end with this process.
#include "outside_world.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace world {
namespace {

void must(bool done, const char* what) {
    if (!done) {
        std::perror(what);
        std::_Exit(1);
    }
}

void shell(const std::string& line) {
    must(std::system(line.c_str()) == 0, line.c_str());
}

int listen_on(int type, int number) {
    const int server = ::socket(AF_INET6, type | SOCK_CLOEXEC, 0);
    const int no = 0;
    const int yes = 1;
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = ::htons(static_cast<std::uint16_t>(number));
    must(::setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == 0 &&
             ::setsockopt(server, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof yes) == 0 &&
             ::bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
             (type != SOCK_STREAM || ::listen(server, 16) == 0),
         "a server's socket");
    return server;
}

void answer_stream(int server, std::string_view word) {
    const int client = ::accept(server, nullptr, nullptr);
    [[maybe_unused]] const ssize_t size = ::write(client, word.data(), word.size());
    ::close(client);
}

// From the very address that was asked, or a connected client would not take it.
void answer_datagram(int server, std::string_view word) {
    char bytes[512];
    sockaddr_in6 from{};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
    iovec part{bytes, sizeof bytes};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(server, &message, 0) >= 0) {
        part = {bytes, word.copy(bytes, sizeof bytes)};
        ::sendmsg(server, &message, 0);
    }
}

// A resolver for which every name is at 192.0.2.2, with no other kind of address.
void answer_name(int server) {
    char packet[512];
    sockaddr_in6 from{};
    socklen_t length = sizeof from;
    const ssize_t got = ::recvfrom(server, packet, sizeof packet - 16, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (got < 17) {
        return;
    }
    std::size_t end = 12;
    while (end < static_cast<std::size_t>(got) && packet[end] != 0) {
        end += static_cast<unsigned char>(packet[end]) + 1U;
    }
    end += 5;  // the name's end, its type and class
    if (end > static_cast<std::size_t>(got)) {
        return;
    }
    const bool wants_address = packet[end - 3] == 1;
    packet[2] = static_cast<char>(0x85);
    packet[3] = static_cast<char>(0x80);
    for (int count = 6; count < 12; ++count) {
        packet[count] = 0;
    }
    if (wants_address) {
        packet[7] = 1;
        for (const char byte : std::string_view("\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\2", 16)) {
            packet[end++] = byte;
        }
    }
    ::sendto(server, packet, end, 0, reinterpret_cast<const sockaddr*>(&from), length);
}

// Never returns. Tells `ready` when it listens.
[[noreturn]] void serve(std::string_view word, int number, bool names, int ready) {
    pollfd servers[3] = {{listen_on(SOCK_STREAM, number), POLLIN, 0},
                         {listen_on(SOCK_DGRAM, number), POLLIN, 0},
                         {names ? listen_on(SOCK_DGRAM, 53) : -1, POLLIN, 0}};
    must(::write(ready, "r", 1) == 1, "a server's start");
    ::close(ready);
    while (::poll(servers, 3, -1) > 0) {
        if (servers[0].revents != 0) {
            answer_stream(servers[0].fd, word);
        }
        if (servers[1].revents != 0) {
            answer_datagram(servers[1].fd, word);
        }
        if (servers[2].revents != 0) {
            answer_name(servers[2].fd);
        }
    }
    std::_Exit(1);
}

struct Pipe {
    Pipe() { must(::pipe(ends) == 0, "a pipe"); }
    void wait() {
        char byte = 0;
        ::close(ends[1]);
        must(::read(ends[0], &byte, 1) == 1, "a server that does not start");
        ::close(ends[0]);
    }
    int ends[2]{};
};

// In the child: ends with its parent.
bool fork_server() {
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    must(child >= 0, "fork");
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        must(::getppid() == parent, "a parent");
    }
    return child == 0;
}

void start_outside() {
    Pipe lives;
    Pipe ready;
    if (fork_server()) {
        must(::unshare(CLONE_NEWNET) == 0, "a network namespace");
        // The cable is pulled from here: what we make in our parent's namespace we can name by its process.
        shell("ip link add out0 type veth peer name in0 netns " + std::to_string(::getppid()) +
              " && ip link set lo up && ip addr add 192.0.2.2/24 dev out0 && ip addr add 169.254.169.254/32 dev out0 "
              "&& ip addr add fe80::1/64 dev out0 nodad && ip link set out0 up");
        must(::write(lives.ends[1], "l", 1) == 1, "a pipe");
        serve("outside\n", port, true, ready.ends[1]);
    }
    lives.wait();
    ready.wait();
    shell(
        "ip link set lo up && ip addr add 192.0.2.1/24 dev in0 && ip addr add fe80::2/64 dev in0 nodad "
        "&& ip link set in0 up && ip route add default via 192.0.2.2");
}

void start_host_service() {
    Pipe ready;
    if (fork_server()) {
        serve("host\n", host_port, false, ready.ends[1]);
    }
    ready.wait();
}

// The host's resolver is the outside host, for everybody in this mount namespace.
void set_resolver() {
    // A file of a tmpfs that nobody else sees; a deleted one could not be bound into a sandbox.
    must(::mount("tmpfs", "/mnt", "tmpfs", 0, "size=4k,mode=755") == 0, "a tmpfs on /mnt");
    const char* const name = "/mnt/resolv.conf";
    std::ofstream(name) << "nameserver 192.0.2.2\n";
    char target[PATH_MAX];
    must(::realpath("/etc/resolv.conf", target) != nullptr, "/etc/resolv.conf");
    must(::mount(name, target, nullptr, MS_BIND, nullptr) == 0, "a mount on /etc/resolv.conf");
}

}  // namespace

std::string obstacle() {
    if (::geteuid() != 0) {
        return "only root can lay a cable between two network namespaces";
    }
    if (::access("/usr/sbin/ip", X_OK) != 0 && ::access("/sbin/ip", X_OK) != 0 && ::access("/usr/bin/ip", X_OK) != 0) {
        return "there is no ip: install the package iproute2";
    }
    return "";
}

void enter(Device device) {
    must(::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0, "namespaces");
    must(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "a private mount tree");
    set_resolver();
    start_outside();
    start_host_service();
    if (device == Device::open_to_all) {
        must(::mount("tmpfs", "/dev/net", "tmpfs", 0, "size=4k,mode=755") == 0 &&
                 ::mknod("/dev/net/tun", S_IFCHR | 0666, ::makedev(10, 200)) == 0 && ::chmod("/dev/net/tun", 0666) == 0,
             "an open /dev/net/tun");
    }
}

}  // namespace world
