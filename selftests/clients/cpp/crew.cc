// SPDX-License-Identifier: GPL-2.0
// crew ENDPOINT: threads with cppzmq (multipart_t, poll, monitor_t, proxy) ask an
// echo server through an inproc proxy, then stop it.
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>
#include <zmq_addon.hpp>

namespace
{

class events : public zmq::monitor_t
{
public:
	bool connected = false;

	void on_event_handshake_succeeded(const zmq_event_t &, const char *) override
	{
		connected = true;
	}
};

// one of the crew: asks through the proxy, tells how many answers were right
unsigned int member(zmq::context_t &ctx, int index)
{
	zmq::socket_t req{ctx, zmq::socket_type::req};
	unsigned int good = 0;

	req.connect("inproc://crew");
	for (int i = 0; i < 50; i++) {
		zmq::multipart_t ask;

		ask.addstr(std::to_string(index));
		ask.addtyp(i);
		ask.addmem(std::string(i * 97, 'x').data(), i * 97);
		ask.send(req);

		zmq::multipart_t answer(req);

		if (answer.size() == 3 && answer.popstr() == std::to_string(index) &&
		    answer.poptyp<int>() == i && answer.pop().size() == i * 97u)
			good++;
	}
	return good;
}

void proxy(zmq::context_t &ctx, const char *endpoint)
{
	zmq::socket_t front{ctx, zmq::socket_type::router};
	zmq::socket_t back{ctx, zmq::socket_type::dealer};

	front.bind("inproc://crew");
	back.connect(endpoint);
	try {
		zmq::proxy(front, back);
	} catch (const zmq::error_t &e) {
		if (e.num() != ETERM)
			throw;
	}
}

void stop(zmq::context_t &ctx, const char *endpoint)
{
	zmq::socket_t req{ctx, zmq::socket_type::req};
	events seen;

	seen.init(req, "inproc://events", ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
	req.connect(endpoint);
	while (!seen.connected)
		seen.check_event(100);
	req.send(zmq::str_buffer("who is there?"), zmq::send_flags::none);

	zmq::pollitem_t item{req, 0, ZMQ_POLLIN, 0};
	zmq::message_t answer;

	zmq::poll(&item, 1, std::chrono::milliseconds{-1});
	std::cout << "answered: " << req.recv(answer).has_value() << " "
		  << answer.to_string() << "\n";
	std::cout << "peer: " << answer.gets("Socket-Type") << "\n";
	req.send(zmq::str_buffer("END"), zmq::send_flags::none);
	std::cout << "stopped: " << req.recv(answer).has_value() << "\n";
}

} // namespace

int main(int argc, char **argv)
{
	zmq::context_t ctx;
	std::vector<std::thread> crew;
	std::vector<unsigned int> good(4);

	if (argc != 2)
		return 2;
	std::thread between(proxy, std::ref(ctx), argv[1]);
	for (int i = 0; i < 4; i++)
		crew.emplace_back([&, i] { good[i] = member(ctx, i); });
	for (int i = 0; i < 4; i++) {
		crew[i].join();
		std::cout << "member " << i << ": " << good[i] << "\n";
	}
	stop(ctx, argv[1]);
	ctx.shutdown();
	between.join();
	return 0;
}
