package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/url"
	"time"
)

// wsStream receives over a WebSocket (RFC 6455) with the subprotocol firn.v1
// (docs/reference/stream.md) and acknowledges every frame. Its token is /sync's: it
// begins like a long poll, and a socket that broke is opened again from there.
type wsStream struct {
	pollStream
	up bool
}

const (
	opText, opClose, opPing, opPong = 1, 8, 9, 10

	maxFrame = 64 << 20
)

func (w *wsStream) open(ctx context.Context) error {
	if err := w.pollStream.open(ctx); err != nil {
		return err
	}
	return w.upgrade(ctx)
}

func (w *wsStream) next(ctx context.Context) (b *batch, err error) {
	defer func() {
		if err != nil {
			w.close()
			if ctx.Err() != nil {
				err = ctx.Err()
			}
		}
	}()
	if !w.up {
		if err := w.upgrade(ctx); err != nil {
			return nil, err
		}
	}
	nc := w.c.c
	nc.SetDeadline(time.Time{}) // a quiet stream is a good one; a dead server closes it
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		text, err := w.message()
		if err != nil {
			return nil, err
		}
		var f struct {
			Type string `json:"type"`
			Seq  int    `json:"seq"`
			Body struct {
				syncResp
				Errcode string `json:"errcode"`
				Error   string `json:"error"`
			} `json:"body"`
		}
		if err := json.Unmarshal(text, &f); err != nil {
			return nil, fmt.Errorf("stream: not the JSON expected: %w", err)
		}
		switch {
		case f.Type == "error":
			return nil, fmt.Errorf("stream: %s %s", f.Body.Errcode, f.Body.Error)
		case f.Type == "sync" && f.Body.NextBatch == "":
			return nil, errors.New("stream: a sync frame without next_batch")
		case f.Type == "sync":
			w.since = f.Body.NextBatch
			return f.Body.batch(), w.write(opText, fmt.Appendf(nil, `{"type":"ack","seq":%d}`, f.Seq))
		}
	}
}

func (w *wsStream) close() {
	w.up = false
	w.c.close()
}

// upgrade makes the connection, or the one that open has used, a WebSocket.
func (w *wsStream) upgrade(ctx context.Context) error {
	if w.c.c == nil {
		if err := w.c.dial(ctx); err != nil {
			return err
		}
	}
	w.c.c.SetDeadline(time.Now().Add(60 * time.Second))
	q := url.Values{"since": {w.since}}
	if w.o.filter != "" {
		q.Set("filter", w.o.filter)
	}
	var key [16]byte
	rand.Read(key[:])
	_, err := fmt.Fprintf(w.c.c, "GET %s%s?%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: firn.v1\r\nAuthorization: Bearer %s\r\n\r\n",
		w.c.t.prefix, w.o.ws, q.Encode(), w.c.t.host, base64.StdEncoding.EncodeToString(key[:]), w.token)
	if err != nil {
		w.close()
		return err
	}
	resp, err := http.ReadResponse(w.c.br, nil)
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		err = &apiError{"upgrade", resp.StatusCode, ""}
	}
	if err != nil {
		w.close()
		return err
	}
	w.up = true
	return nil
}

// message reads until a text message is whole; pings are answered meanwhile.
func (w *wsStream) message() (text []byte, err error) {
	for {
		fin, op, payload, err := readFrame(w.c.br)
		if err != nil {
			return nil, err
		}
		switch op {
		case opPing:
			if err := w.write(opPong, payload); err != nil {
				return nil, err
			}
		case opPong:
		case opClose:
			code := 0
			if len(payload) >= 2 {
				code = int(binary.BigEndian.Uint16(payload))
			}
			return nil, fmt.Errorf("stream: closed by the server with %d", code)
		default: // text or its continuation; there are no binary ones
			if text = append(text, payload...); fin {
				return text, nil
			}
		}
	}
}

// write sends one masked frame, as clients must.
func (w *wsStream) write(op byte, payload []byte) error {
	frame := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	default: // control frames and acknowledgements are short
		frame = append(frame, 0x80|126, byte(n>>8), byte(n))
	}
	mask := binary.BigEndian.AppendUint32(nil, rand.Uint32())
	frame = append(frame, mask...)
	for i, b := range payload {
		frame = append(frame, b^mask[i%4])
	}
	_, err := w.c.c.Write(frame)
	return err
}

// readFrame reads one frame of a server, which must not be masked.
func readFrame(r *bufio.Reader) (fin bool, op byte, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return
	}
	fin, op = head[0]&0x80 != 0, head[0]&0x0f
	size := uint64(head[1] & 0x7f)
	var more [8]byte
	switch size {
	case 126:
		_, err = io.ReadFull(r, more[6:])
		size = binary.BigEndian.Uint64(more[:])
	case 127:
		_, err = io.ReadFull(r, more[:])
		size = binary.BigEndian.Uint64(more[:])
	}
	if err == nil && (head[0]&0x70 != 0 || head[1]&0x80 != 0 || size > maxFrame) {
		err = fmt.Errorf("stream: a bad frame: % x", head)
	}
	if err != nil {
		return
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(r, payload)
	return
}
