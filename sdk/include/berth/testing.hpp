// A fake host for the unit tests of a plugin: no network, no files, no real host, and stricter than any. Include it in
// the test, compile the plugin's own source into the same program, and use any test framework:
//
//     berth::testing::FakeHost host;
//     host.setting("/region", "eu").secret("/token", "t0k3n");
//     host.http().on("POST", "/v1/sandboxes").reply(201, R"({"id": "x1"})");
//     berth::testing::Instance acme{host};
//     auto made = acme.create({.name = "one"});
//     CHECK(made->id == "x1");
//
// Every rule of the contract that a plugin breaks is collected in host.rules() and ends the program unless it is taken.
// for_each_interruption runs such a test with a cancel at every place where one may come.
#ifndef BERTH_TESTING_HPP
#define BERTH_TESTING_HPP

#include "testing/fake_host.hpp"
#include "testing/for_each_interruption.hpp"
#include "testing/instance.hpp"

#endif
