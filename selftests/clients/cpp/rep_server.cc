// SPDX-License-Identifier: GPL-2.0
// rep_server ENDPOINT: a server with cppzmq; turns round what it is asked,
// frame by frame, until one asks "stop".
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <zmq.hpp>
#include <zmq_addon.hpp>

int main(int argc, char **argv)
{
	if (argc != 2) {
		std::cerr << "usage: rep_server ENDPOINT\n";
		return 2;
	}
	zmq::context_t ctx{1};
	zmq::socket_t rep{ctx, zmq::socket_type::rep};
	rep.set(zmq::sockopt::linger, -1);
	rep.set(zmq::sockopt::routing_id, "server");
	rep.bind(argv[1]);
	std::cout << "bound at what was asked for: "
		  << (rep.get(zmq::sockopt::last_endpoint) == argv[1]) << "\n";

	bool stop = false;
	unsigned int messages = 0;
	std::size_t octets = 0;

	while (!stop) {
		std::vector<zmq::message_t> frames;

		if (!zmq::recv_multipart(rep, std::back_inserter(frames)))
			continue;
		stop = frames[0].to_string_view() == "stop";
		for (auto &f : frames) {
			std::string text = f.to_string();

			octets += text.size();
			std::reverse(text.begin(), text.end());
			f.rebuild(text.data(), text.size());
		}
		zmq::send_multipart(rep, frames);
		messages++;
	}
	std::cout << messages << " messages, " << octets << " octets\n";
	try {
		rep.set(zmq::sockopt::rcvtimeo, 50);
		zmq::message_t none;
		std::cout << "more: " << rep.recv(none).has_value() << "\n";
		rep.send(none, zmq::send_flags::none);
	} catch (const zmq::error_t &e) {
		std::cout << "out of turn: " << (e.num() == EFSM) << "\n";
	}
	return 0;
}
