package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// each runs job(0..n-1) on c goroutines with a connection each; it returns the time taken.
func each(ctx context.Context, o *opts, c, n int, job func(c *conn, i int)) float64 {
	begun := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := 0; w < c; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			cn := o.t.at(0).conn()
			defer cn.close()
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				job(cn, i)
			}
		}()
	}
	wg.Wait()
	return time.Since(begun).Seconds()
}

// loop runs op in a closed loop on --c goroutines, each with its own connections,
// for the warm-up and the measured time; r leaves the warm-up out.
func loop(ctx context.Context, o *opts, r *rec, prep func(p pool, w int) error, op func(ctx context.Context, p pool, w, n int) error) (float64, *usage) {
	conns := make([]pool, o.conc)
	for w := range conns {
		conns[w] = o.t.pool()
	}
	if prep != nil {
		each(ctx, o, min(o.conc, 8), o.conc, func(_ *conn, w int) {
			if err := prep(conns[w], w); err != nil {
				r.error(err)
			}
		})
	}
	begun := time.Now()
	r.from = begun.Add(o.warmup)
	end := r.from.Add(o.secs)
	var u *usage
	var wg sync.WaitGroup
	for w := 0; w < o.conc; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer conns[w].close()
			for n := 0; ctx.Err() == nil; n++ {
				t := time.Now()
				if !t.Before(end) {
					return
				}
				err := op(ctx, conns[w], w, n)
				r.done(t, err)
				if err != nil {
					time.Sleep(20 * time.Millisecond) // a refusing server is not hammered
				}
			}
		}()
	}
	time.Sleep(time.Until(r.from))
	u = newUsage(o)
	wg.Wait()
	return time.Since(r.from).Seconds(), u
}

func setup(ctx context.Context, o *opts) error {
	s := &state{Base: o.base, Run: strconv.FormatInt(time.Now().UnixMilli(), 36)}
	if o.tokens != "" {
		b, err := os.ReadFile(o.tokens)
		if err != nil {
			return err
		}
		for _, l := range strings.Split(string(b), "\n") {
			if f := strings.Fields(l); len(f) == 2 {
				s.Users = append(s.Users, user{f[0], f[1]})
			}
		}
	} else {
		s.Users = make([]user, o.users)
		r, u := &rec{}, newUsage(o)
		secs := each(ctx, o, o.conc, o.users, func(c *conn, i int) {
			t := time.Now()
			var err error
			s.Users[i], err = register(ctx, c, fmt.Sprintf("cs%s-%d", s.Run, i))
			r.done(t, err)
		})
		m := map[string]any{"c": o.conc}
		r.summary(m, secs)
		emit(o, "setup.register", m, u)
		if r.errors > 0 {
			return fmt.Errorf("%d users could not be registered", r.errors)
		}
	}
	if o.members > len(s.Users) || o.members < 1 {
		return fmt.Errorf("%d members a room need as many users", o.members)
	}
	s.Rooms = make([]room, o.rooms)
	r, u := &rec{}, newUsage(o)
	secs := each(ctx, o, min(o.conc, 8), o.rooms, func(c *conn, i int) {
		for j := 0; j < o.members; j++ {
			s.Rooms[i].Members = append(s.Rooms[i].Members, (i*o.members+j)%len(s.Users))
		}
		t := time.Now()
		var err error
		s.Rooms[i].ID, err = createRoom(ctx, c, s.Users[s.Rooms[i].Members[0]].Token, fmt.Sprintf("csload %s %d", s.Run, i))
		r.done(t, err)
	})
	m := map[string]any{"c": min(o.conc, 8)}
	r.summary(m, secs)
	emit(o, "setup.create_room", m, u)
	j, u := &rec{}, newUsage(o)
	secs = each(ctx, o, min(o.conc, 8), o.rooms*(o.members-1), func(c *conn, k int) {
		rm := s.Rooms[k%o.rooms] // the joins of one room are spread out
		t := time.Now()
		j.done(t, c.call(ctx, "POST", cs+"/join/"+url.PathEscape(rm.ID), s.Users[rm.Members[1+k/o.rooms]].Token, map[string]any{}, nil))
	})
	m = map[string]any{"c": min(o.conc, 8)}
	j.summary(m, secs)
	emit(o, "setup.join", m, u)
	if r.errors+j.errors > 0 {
		return fmt.Errorf("%d rooms and %d joins failed", r.errors, j.errors)
	}
	b, _ := json.Marshal(s)
	return os.WriteFile(o.state, b, 0o600)
}

// send: a closed loop of --c senders over the rooms, every request in the next
// room, to the room's worker (or each sender to its own). Afterwards it fetches
// a sample of the acknowledged events again.
func send(ctx context.Context, o *opts) error {
	s, r := o.st, &rec{}
	type ack struct {
		room int
		id   string
	}
	acks := make([][]ack, o.conc)
	tag := strconv.FormatInt(time.Now().UnixNano(), 36)
	pad := strings.Repeat("x", max(1, o.size))
	member := func(rm, w int) user { ms := s.Rooms[rm].Members; return s.Users[ms[w%len(ms)]] }
	stopOthers := sendElsewhere(ctx, o, tag)
	secs, u := loop(ctx, o, r, nil, func(ctx context.Context, p pool, w, n int) error {
		rm := (w + n) % o.rooms
		c := p.at(rm)
		if o.by == "sender" {
			c = p.at(w)
		}
		id, err := sendText(ctx, c, member(rm, w).Token, s.Rooms[rm].ID, fmt.Sprintf("%s-%d-%d", tag, w, n), pad)
		if err == nil {
			acks[w] = append(acks[w], ack{rm, id})
		}
		return err
	})
	m := map[string]any{"c": o.conc, "rooms": o.rooms}
	r.summary(m, secs)
	u.end(m)
	stopOthers(m)
	var all []ack
	ids := map[string]bool{}
	for _, a := range acks {
		all = append(all, a...)
		for _, x := range a {
			ids[x.id] = true
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	check := all[:min(100, len(all))]
	// A server may answer a send before its readers see the event: what is not
	// there at once (lagged) is asked for again for 10 s before it counts as missing.
	var lagged, missing atomic.Int64
	v := &rec{}
	each(ctx, o, 4, len(check), func(c *conn, i int) {
		first := time.Now()
		for try := 0; ; try++ {
			err := c.call(ctx, "GET", roomPath(s.Rooms[check[i].room].ID, "/event/"+url.PathEscape(check[i].id)), member(check[i].room, 0).Token, nil, nil)
			if err == nil {
				return
			}
			if try == 0 {
				lagged.Add(1)
			}
			if time.Since(first) > 10*time.Second || ctx.Err() != nil {
				missing.Add(1)
				v.error(err)
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	if len(v.samples) > 0 {
		m["verify_error_samples"] = v.samples
	}
	m["acked"], m["duplicate_event_ids"] = len(all), len(all)-len(ids)
	m["verified"], m["verify_lagged"], m["verify_missing"] = len(check), lagged.Load(), missing.Load()
	emit(o, "send", m, nil)
	return nil
}

// sendElsewhere sends --others messages per second over the rooms that --rooms leaves
// out, each to its room's worker. The function that it gives ends that and reports.
func sendElsewhere(ctx context.Context, o *opts, tag string) func(m map[string]any) {
	rooms := o.st.Rooms[o.rooms:]
	if o.others <= 0 || len(rooms) == 0 {
		return func(map[string]any) {}
	}
	r := &rec{from: time.Now().Add(o.warmup)}
	every := time.Duration(float64(len(rooms)) / o.others * float64(time.Second))
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for i, rm := range rooms {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := o.t.at(o.rooms + i).conn()
			defer c.close()
			next := time.Now().Add(every * time.Duration(i) / time.Duration(len(rooms)))
			for n := 0; ; n++ {
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(next)):
				}
				t := time.Now()
				// what is under way when the others end is still answered
				_, err := sendText(context.WithoutCancel(ctx), c, o.st.Users[rm.Members[0]].Token, rm.ID, fmt.Sprintf("%s-o%d-%d", tag, i, n), "elsewhere")
				r.done(t, err)
				if next = next.Add(every); next.Before(t) {
					next = t
				}
			}
		}()
	}
	return func(m map[string]any) {
		stop()
		wg.Wait()
		q := map[string]any{}
		quantiles(q, r.lat)
		m["others"], m["others_errors"] = len(r.lat), r.errors
		m["others_p50_ms"], m["others_p99_ms"], m["others_max_ms"] = q["p50_ms"], q["p99_ms"], q["max_ms"]
		if len(r.samples) > 0 {
			m["others_error_samples"] = r.samples
		}
	}
}

// roomUsers are the users that are in the rooms used, once each.
func (o *opts) roomUsers() (us []user) {
	seen := map[int]bool{}
	for _, rm := range o.st.Rooms[:o.rooms] {
		for _, i := range rm.Members {
			if !seen[i] {
				seen[i] = true
				us = append(us, o.st.Users[i])
			}
		}
	}
	return
}

func syncPhase(ctx context.Context, o *opts) error {
	us := o.roomUsers()
	at := func(w, n int) user { return us[(w+n*o.conc)%len(us)] }
	since := make([]string, o.conc)
	r := &rec{}
	secs, u := loop(ctx, o, r, func(p pool, w int) error {
		var sr syncResp
		err := doSync(ctx, p.at(w), at(w, 0).Token, "", `{"room":{"timeline":{"limit":1}}}`, 0, &sr)
		since[w] = sr.NextBatch
		return err
	}, func(ctx context.Context, p pool, w, n int) error {
		var sr syncResp
		err := doSync(ctx, p.at(w), at(w, 0).Token, since[w], o.stream.filter, 0, &sr)
		if err == nil {
			since[w] = sr.NextBatch
		}
		return err
	})
	m := map[string]any{"c": o.conc}
	r.summary(m, secs)
	emit(o, "sync.incremental", m, u)

	r = &rec{}
	var bytes atomic.Int64
	secs, u = loop(ctx, o, r, nil, func(ctx context.Context, p pool, w, n int) error {
		// A filter that no request had before, so that no server answers from a
		// cache of whole responses.
		f := fmt.Sprintf(`{"room":{"timeline":{"limit":20}},"account_data":{"not_types":["csload.%d.%d.%d"]}}`, time.Now().UnixNano(), w, n)
		st, b, err := p.at(w).do(ctx, "GET", cs+"/sync?timeout=0&filter="+url.QueryEscape(f), at(w, n).Token, nil, 60*time.Second)
		if err == nil && st != 200 {
			err = &apiError{"GET", st, string(b[:min(200, len(b))])}
		}
		bytes.Add(int64(len(b)))
		return err
	})
	m = map[string]any{"c": o.conc}
	r.summary(m, secs)
	if n := len(r.lat); n > 0 {
		m["total_bytes"] = bytes.Load()
	}
	emit(o, "sync.initial", m, u)
	return nil
}

func read(ctx context.Context, o *opts) error {
	s := o.st
	type who struct {
		room room
		user user
	}
	at := func(w, n int) who {
		rm := s.Rooms[(w+n)%o.rooms]
		return who{rm, s.Users[rm.Members[w%len(rm.Members)]]}
	}
	for _, e := range []struct {
		name string
		path func(who) string
	}{
		{"joined_rooms", func(who) string { return cs + "/joined_rooms" }},
		{"joined_members", func(x who) string { return roomPath(x.room.ID, "/joined_members") }},
		{"messages", func(x who) string { return roomPath(x.room.ID, "/messages?dir=b&limit=20") }},
		{"profile", func(x who) string { return cs + "/profile/" + url.PathEscape(x.user.ID) }},
	} {
		r := &rec{}
		secs, u := loop(ctx, o, r, nil, func(ctx context.Context, p pool, w, n int) error {
			x := at(w, n)
			st, b, err := p.at(w+n).do(ctx, "GET", e.path(x), x.user.Token, nil, 60*time.Second)
			if err == nil && st != 200 {
				err = &apiError{"GET " + e.name, st, string(b[:min(200, len(b))])}
			}
			return err
		})
		m := map[string]any{"c": o.conc}
		r.summary(m, secs)
		emit(o, "read."+e.name, m, u)
	}
	return deep(ctx, o)
}

const (
	page      = 20
	skipPages = 5  // 100 events: what servers keep of a room in memory
	deepPages = 20 // different pages that each client asks for in turn
)

// deep reads pages of history that lie behind what a server keeps in memory. Each
// client walks one room back once, before the measured time, for its tokens.
func deep(ctx context.Context, o *opts) error {
	s := o.st
	tokens := make([][]string, o.conc)
	at := func(w int) (room, user) {
		rm := s.Rooms[w%o.rooms]
		return rm, s.Users[rm.Members[w%len(rm.Members)]]
	}
	get := func(ctx context.Context, c *conn, w int, from string) (string, error) {
		rm, u := at(w)
		q := url.Values{"dir": {"b"}, "limit": {strconv.Itoa(page)}}
		if from != "" {
			q.Set("from", from)
		}
		var r struct {
			Chunk []json.RawMessage `json:"chunk"`
			End   string            `json:"end"`
		}
		err := c.call(ctx, "GET", roomPath(rm.ID, "/messages?"+q.Encode()), u.Token, nil, &r)
		if err == nil && len(r.Chunk) == 0 {
			err = fmt.Errorf("messages: an empty page where there was history")
		}
		return r.End, err
	}
	r := &rec{}
	secs, u := loop(ctx, o, r, func(p pool, w int) error {
		from := ""
		for n := 0; n < skipPages+deepPages; n++ {
			end, err := get(ctx, p.at(w), w, from)
			if err != nil {
				return err
			}
			if end == "" {
				break
			}
			if from = end; n >= skipPages-1 {
				tokens[w] = append(tokens[w], end)
			}
		}
		if len(tokens[w]) < 2 {
			return fmt.Errorf("messages: the room has too little history: run send first")
		}
		tokens[w] = tokens[w][:len(tokens[w])-1] // behind the last one there may be nothing
		return nil
	}, func(ctx context.Context, p pool, w, n int) error {
		if len(tokens[w]) == 0 {
			return fmt.Errorf("messages: no deep page")
		}
		_, err := get(ctx, p.at(w), w, tokens[w][n%len(tokens[w])])
		return err
	})
	m := map[string]any{"c": o.conc}
	r.summary(m, secs)
	emit(o, "read.messages_deep", m, u)
	return nil
}
