// SPDX-License-Identifier: GPL-2.0
// Echo server|client ENDPOINT: JeroMQ, which has ZMTP in Java, as either end of
// the echo programs.

import java.util.Arrays;
import java.util.zip.CRC32;

import org.zeromq.ZContext;
import org.zeromq.ZMQ;
import org.zeromq.ZMsg;

public class Echo {
	static byte[] body(int size) {
		byte[] b = new byte[size];

		for (int i = 0; i < size; i++)
			b[i] = (byte)(i * 31 + size);
		return b;
	}

	static void serve(ZMQ.Socket rep) {
		boolean end = false;
		int messages = 0;
		long octets = 0;

		while (!end) {
			ZMsg msg = ZMsg.recvMsg(rep);

			messages++;
			octets += msg.contentSize();
			end = msg.size() == 1 && msg.peek().toString().equals("END");
			msg.send(rep);
		}
		System.out.println(messages + " messages, " + octets + " octets");
	}

	static void ask(ZMQ.Socket req) {
		for (int size : new int[] {0, 1, 255, 256, 8192, 100000, 1 << 20}) {
			byte[] out = body(size);

			req.send(out, 0);
			System.out.println(size + ": " + Arrays.equals(out, req.recv(0)));
		}
		for (int i = 1; i < 20; i++)
			req.sendMore(body(i));
		req.send("last");

		CRC32 crc = new CRC32();
		int frames = 0;

		do {
			crc.update(req.recv(0));
			frames++;
		} while (req.hasReceiveMore());
		System.out.println(frames + " frames " + crc.getValue());
		req.send("END");
		System.out.println(req.recvStr());
	}

	public static void main(String[] args) {
		ZContext ctx = new ZContext();

		if (args[0].equals("server")) {
			ZMQ.Socket rep = ctx.createSocket(ZMQ.REP);

			rep.bind(args[1]);
			serve(rep);
		} else {
			ZMQ.Socket req = ctx.createSocket(ZMQ.REQ);

			req.connect(args[1]);
			ask(req);
		}
		ctx.close();
	}
}
